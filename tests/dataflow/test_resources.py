"""Estimates of the parts that units share, worked out by hand."""

from __future__ import annotations

import pytest

from bnnhw.dataflow.resources import NOTHING, Resources, buffer_resources, queue_resources, rom_luts
from bnnhw.devices import technology


def test_sums() -> None:
    one, other = Resources(1, 20, 300), Resources(4000, 500, 60)
    assert one + other == Resources(4001, 520, 360)
    assert Resources.total([one, other, one]) == Resources(4002, 540, 660)
    assert Resources.total([]) == NOTHING == Resources(0, 0, 0)


@pytest.mark.parametrize(("depth", "luts"), [(1, 0), (2, 1), (16, 1), (17, 17 / 8), (32, 4), (512, 64)])
def test_roms(depth: int, luts: float) -> None:
    """A constant is free; 16 words are a table per bit; deeper ones a table and its share of a multiplexer."""
    assert rom_luts(depth) == luts


def test_queues() -> None:
    """All words in registers, and a multiplexer in front of each but the last."""
    assert queue_resources(1, 7) == Resources(0, 7, 0)
    assert queue_resources(5, 7) == Resources(28, 35, 0)


@pytest.mark.parametrize(
    ("family", "depth", "width", "due"),
    [
        # Registers: up to 2 words, or 128 bits in all; the output has a register of its own.
        ("ecp5", 2, 100, Resources(100, 300, 0)),
        ("ecp5", 16, 8, Resources(120, 136, 0)),
        # LUT RAM of 16 x 4 bits in six LUT4, up to 64 words; a multiplexer between them.
        ("ecp5", 16, 9, Resources(3 * 6, 9, 0)),
        ("ecp5", 17, 9, Resources(2 * 3 * 6 + 9, 9, 0)),
        ("ecp5", 64, 8, Resources(4 * 2 * 6 + 3 * 8, 8, 0)),
        ("ecp5", 65, 8, Resources(0, 0, 1)),
        # A family without LUT RAM; its block RAM has 256 words of 16 bits, 512 of 8, up to 2048 of 2.
        ("ice40", 16, 9, Resources(0, 0, 1)),
        ("ice40", 256, 17, Resources(0, 0, 2)),
        ("ice40", 512, 17, Resources(0, 0, 3)),
        ("ice40", 4096, 3, Resources(0, 0, 4)),
    ],
)
def test_buffers(family: str, depth: int, width: int, due: Resources) -> None:
    assert buffer_resources(depth, width, technology(family)) == due
