"""Whole networks that the cost model is held to: models that come with bnnhw and residual ones, folded in some ways."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bnnhw import boards
from bnnhw.boards import Board
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.frontend import read_model
from bnnhw.ir import Network
from bnnhw.streamline import streamline
from tests.layers import MapNetwork

__all__ = ["networks"]

MODELS = Path(__file__).parent.parent / "models"

CASES = (
    ("digits", "icebreaker", 5_000),
    ("ecg5000", "icebreaker", 5_000),
    ("fsdd-mfcc", "icebreaker", 5_000),
    ("earbud", "icebreaker", 1_000),
    ("digits", "ulx3s-12f", 5_000),
    ("ecg5000", "ulx3s-12f", 20_000),
    ("fsdd-mfcc", "ulx3s-12f", 5_000),
    ("digits", "icebreaker", 100_000),
    ("ecg5000", "icebreaker", 40_000),
    ("digits", "ulx3s-85f", 600_000),
    ("mnist-tfc", "icebreaker", 20_000),
    ("mnist-tfc", "ulx3s-12f", 200_000),
    ("fsdd-mfcc", "icebreaker", 30_000),
    ("mnist-sfc", "ulx3s-25f", 100_000),
)
"""Model, board, frames per second that it is folded for."""


def networks() -> Iterator[tuple[str, Board, Network, tuple[LayerFolding, ...] | float]]:
    """Name, board, network, and its folding or the frames per second that it is folded for."""
    for seed, (name, channels) in enumerate(
        (("icebreaker", 6), ("ulx3s-12f", 8), ("icebreaker", 12), ("ulx3s-12f", 16))
    ):
        folded = _residual(channels, seed)
        yield f"residual of {channels}, {name}", boards.get(name), folded.network, folded.foldings
    for model, name, fps in CASES:
        network = streamline(read_model(MODELS / f"{model}.onnx").network).network
        yield f"{model}, {name}, {fps}", boards.get(name), network, fps


def _residual(channels: int, seed: int) -> FoldedNetwork:
    """A convolution, a residual layer and a pool of so many channels, and classes."""
    network = MapNetwork((2, 8, 8), "uint2", seed)
    network.conv(channels, (3, 3), (channels // 2, 6), padding=(1, 1, 1, 1), output="uint2", memory="block")
    network.residual(
        lambda b: b.conv(channels, (3, 3), (channels // 2, channels), padding=(1, 1, 1, 1), output="uint2").conv(
            channels, (1, 1), (2, channels), output=None
        )
    ).quantize("uint2")
    network.pool((2, 2), (2, 2)).dense(10, (2, channels), None, memory="block")
    return network.folded()
