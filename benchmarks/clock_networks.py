"""Whole networks whose clock is measured: some that the clock model is fitted on, and others that it is held to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import bnnhw
from bnnhw import boards
from bnnhw.boards import Board
from bnnhw.folding import FoldedNetwork
from tests.layers import random_network, with_engines

__all__ = ["Case", "cases"]

MODELS = Path(__file__).parent.parent / "models"

RANDOM = (2, 5, 9, 14)
"""Seeds of random networks that are fitted on; those of OUTSIDE are not."""

OUTSIDE = (21, 33)

NAMED = (
    ("ecg5000", "icebreaker", 5_000, True),
    ("ecg5000", "ice40-hx8k-b-evn", 5_000, True),
    ("ecg5000", "tinyfpga-bx", 20_000, True),
    ("ecg5000", "ulx3s-12f", 20_000, True),
    ("digits", "icebreaker", 5_000, True),
    ("digits", "ulx3s-85f", 100_000, True),
    ("digits", "ice40-hx8k-b-evn", 20_000, True),
    ("fsdd-mfcc", "ulx3s-25f", 5_000, True),
    ("fsdd-mfcc", "icebreaker", 5_000, False),
    ("fsdd-mfcc", "ice40-hx8k-b-evn", 5_000, False),
    ("digits", "ulx3s-12f", 5_000, False),
    ("mnist-tfc", "ulx3s-12f", 5_000, False),
    ("mnist-tfc", "icebreaker", 2_000, False),
    ("digits", "tinyfpga-bx", 5_000, False),
    ("digits", "ulx3s-12f", None, True),
    ("mnist-tfc", "ulx3s-12f", None, True),
    ("digits", "orangecrab-r0-2-25f", 5_000, True),
    ("mnist-tfc", "orangecrab-r0-2-25f", None, True),
    ("ecg5000", "cynthion", 20_000, False),
    ("mnist-sfc", "ulx3s-25f", 2_000, False),
    ("digits", "icebreaker", None, False),
    ("ecg5000", "icebreaker", None, False),
    ("earbud", "pico-ice", None, False),
    ("fsdd-mfcc", "tinyfpga-bx", None, False),
    ("digits", "tang-nano-9k", 5_000, True),
    ("ecg5000", "tang-nano-9k", 5_000, True),
    ("fsdd-mfcc", "tang-nano-9k", 5_000, False),
)
"""Model, board, frames per second that it is folded for (None: as by default), and whether it is fitted on."""

BOARDS = ("icebreaker", "ice40-hx8k-b-evn", "ulx3s-12f", "tinyfpga-bx")


class Case(NamedTuple):
    """A network to build: what it is called, its board, its folding when asked for, and whether it is fitted on."""

    label: str
    board: Board
    folded: Callable[[], FoldedNetwork]
    fitted: bool


def cases() -> Iterator[Case]:
    """All of them, random ones first: they are small."""
    for fitted, seeds in ((True, RANDOM), (False, OUTSIDE)):
        for seed in seeds:
            for name in BOARDS[: 4 if seed in (RANDOM[0], OUTSIDE[0]) else 3]:
                yield Case(f"random {seed}, {name}", boards.get(name), lambda seed=seed: _random(seed), fitted)
    for model, name, fps, fitted in NAMED:
        board = boards.get(name)
        yield Case(
            f"{model}, {name}" + (f", {fps}" if fps else ""),
            board,
            lambda model=model, board=board, fps=fps: bnnhw.fold(bnnhw.read(MODELS / f"{model}.onnx"), board, fps=fps),
            fitted,
        )


def _random(seed: int) -> FoldedNetwork:
    """A network of random layers; every second one with all engines."""
    folded = random_network(seed, tables=seed % 2 > 0)
    return with_engines(folded, seed, tables=True) if seed % 2 else folded
