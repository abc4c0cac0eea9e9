"""The model of affine units: cycles of their parts, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.dataflow import Resources
from bnnhw.ir import Affine, DataType
from bnnhw.units.affine.model import AffineUnit


def _unit(multiplier: list[int], offset: list[int], lanes: int = 1) -> AffineUnit:
    shape = (len(multiplier), 1, 1)
    return AffineUnit(Affine("layer", shape, DataType.parse("int4"), np.array(multiplier), np.array(offset)), lanes)


def test_timing() -> None:
    def affine(multiplier: list[int], offset: list[int]) -> tuple[bool, int, int]:
        unit = _unit(multiplier, offset)
        return unit.shifts, unit.timing.multiply, unit.timing.add

    assert affine([1, 1], [0, 0]) == (True, 0, 0)
    assert affine([1, 1], [0, 2]) == (True, 0, 1)
    assert affine([2, 0], [0, 0]) == (True, 1, 0)
    # The 1 of a negative shift is added; or the offset takes it back.
    assert affine([-2, 1], [0, 0]) == (True, 1, 1)
    assert affine([-2, 1], [-1, 0]) == (True, 1, 0)
    assert affine([3, 1], [0, 0]) == (False, 1, 0)
    assert affine([-3, 1], [0, 1]) == (False, 2, 1)
    assert affine([255, 1], [0, 0]) == (False, 3, 0)


def test_cost() -> None:
    """Products, sums, ROMs of constants, registers between them, the queue; 20 of either for control."""
    # Nothing to do: 4 bits of each of 2 lanes in a register, and three places in the queue.
    assert _unit([1, 1], [0, 0], 2).resources() == Resources(20 + 2 * 8, 2 * 4 + 20 + 3 * 8, 0)
    # A sum of 5 bits per lane, its offset in a ROM of two words behind a register; 5 places.
    assert _unit([1, 1], [0, 3], 1).resources() == Resources(5 + 5 + 20 + 4 * 5, 5 + 2 * 4 + 5 + 20 + 5 * 5, 0)
    # Shifts: a choice of two tables per bit, and a sum; constants are wires.
    assert _unit([2, -4], [0, 0], 2).resources() == Resources(
        2 * 7 * (2 + 1) + 20 + 4 * 14, 2 * (4 + 2 * 7) + 20 + 5 * 14, 0
    )
    # A multiplier of two bits: two partial products of 6 bits, of two tables per bit; two bits per word in a ROM.
    assert _unit([3, 1], [0, 0], 1).resources() == Resources(2 + 6 * 4 + 20 + 4 * 6, 2 + 2 * 4 + 6 + 20 + 5 * 6, 0)
    # One of eight: eight partial products of 12 bits in three cycles, a sum in a fourth; 20 bits per word and lane.
    assert _unit([255, 1, 1], [9, 0, 0], 2).resources() == Resources(
        2 * 20 + 2 * 12 * (16 + 1) + 20 + 7 * 24, 2 * 20 + 2 * (2 * 4 + 4 * 12) + 20 + 8 * 24, 0
    )


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^lanes must be positive, not -1$"):
        _unit([1], [0], lanes=-1)
