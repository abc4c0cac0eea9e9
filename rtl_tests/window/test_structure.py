"""Registers of a window unit, added up by hand."""

from __future__ import annotations

import pytest

from bnnhw.devices import technology
from bnnhw.ir import Window
from bnnhw.units.window.model import WindowUnit
from bnnhw.units.window.rtl import WindowGenerator
from rtl_tests.storage import register_bits

QUEUE = 4 * 1 + 2 * (3 + 1)
"""Four words of a bit, words held and words granted, and of each whether one is."""

ON_THE_WAY = 3
"""A word of a bit, and two marks that follow it."""


@pytest.mark.parametrize(
    "window, loops, surplus, padding, words",
    [
        # Loops of 9 positions and 2 taps count from 7 and 0 down to -1. With 3 words of room -3..0 more may be
        # accepted; -1..2 are there beyond the one that is read. No padding.
        (Window(1, 1, 10, (1, 2)), 4 + 1, 3 + 3, 0, 3),
        # Loops of 4, 8, 2 and 2. -3..0, -1..11, and -1..36 words of a frame that begins in the padding; the row of
        # the tap, -1..3, and whether the padding is chosen.
        (Window(1, 4, 9, (2, 2), padding=(1, 0, 0, 0)), 3 + 4 + 1 + 1, 3 + 5 + 7, 3 + 1, 12),
    ],
)
def test_registers(window: Window, loops: int, surplus: int, padding: int, words: int) -> None:
    """Beside them an address that is written and one that is read."""
    unit = WindowUnit(window, 1, 1, 0, "vector", technology("generic"))
    assert unit.memory_words == words
    addresses = 2 * (words - 1).bit_length()
    assert register_bits(WindowGenerator(unit)) == QUEUE + ON_THE_WAY + loops + surplus + padding + addresses
