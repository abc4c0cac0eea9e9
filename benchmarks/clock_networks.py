"""Whole networks whose clock is measured: some that the clock model is fitted on, and others that it is held to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import bnnhw
from bnnhw import boards
from bnnhw.boards import Board
from bnnhw.folding import FoldedNetwork, LayerFolding
from tests.layers import random_network, with_engines

__all__ = ["BUILT", "Case", "cases"]

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
    ("digits", "icebreaker", None, True),
    ("ecg5000", "icebreaker", None, False),
    ("earbud", "pico-ice", None, False),
    ("fsdd-mfcc", "tinyfpga-bx", None, True),
    ("digits", "tang-nano-9k", 5_000, True),
    ("ecg5000", "tang-nano-9k", 5_000, True),
    ("fsdd-mfcc", "tang-nano-9k", 5_000, False),
    ("mnist-tfc", "ecpix5-45f", 5_000, True),
    ("digits", "ecpix5-45f", 5_000, False),
)
"""Model, board, frames per second that it is folded for (None: as by default), and whether it is fitted on."""

BUILT = ("CNV-W1A1 --max, ulx3s-85f",)
"""Networks of elsewhere that are fitted on, of those that `measure_clock.py --built` takes: the large ones."""

BOARDS = ("icebreaker", "ice40-hx8k-b-evn", "ulx3s-12f", "tinyfpga-bx")

FURTHER = ("orangecrab-r0-2-25f", "tang-nano-9k", "ecpix5-45f")
"""Boards that one random network is enough for: their paths grow as those of others do."""


class Case(NamedTuple):
    """A network to build: what it is called, its board, how it comes by its folding, whether it is fitted on.

    ``folded`` takes a folding that is known already, or None.
    """

    label: str
    board: Board
    folded: Callable[[tuple[LayerFolding, ...] | None], FoldedNetwork]
    fitted: bool


def cases() -> Iterator[Case]:
    """All of them, random ones first: they are small."""
    for fitted, seeds in ((True, RANDOM), (False, OUTSIDE)):
        for seed in seeds:
            names = BOARDS[: 4 if seed in (RANDOM[0], OUTSIDE[0]) else 3]
            for name in (*names, *FURTHER) if seed == RANDOM[0] else names:
                yield Case(f"random {seed}, {name}", boards.get(name), partial(_random, seed), fitted)
    for model, name, fps, fitted in NAMED:
        label = f"{model}, {name}" + (f", {fps}" if fps else "")
        yield Case(label, boards.get(name), partial(_named, model, name, fps), fitted)


def _named(model: str, board: str, fps: float | None, foldings: tuple[LayerFolding, ...] | None) -> FoldedNetwork:
    """A network of this repository, folded for a board where no folding is given."""
    network = bnnhw.read(MODELS / f"{model}.onnx")
    return FoldedNetwork(network, foldings) if foldings else bnnhw.fold(network, board, fps=fps)


def _random(seed: int, foldings: tuple[LayerFolding, ...] | None) -> FoldedNetwork:
    """A network of random layers; every second one with all engines."""
    folded = random_network(seed, tables=seed % 2 > 0)
    if foldings:
        return FoldedNetwork(folded.network, foldings)
    return with_engines(folded, seed, tables=True) if seed % 2 else folded
