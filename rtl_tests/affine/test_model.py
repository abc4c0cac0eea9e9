"""The model of affine units: cycles of their parts, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.dataflow import StreamFormat
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


@pytest.mark.parametrize("lanes, folds, read", [(1, 5, 2), (2, 3, 2), (4, 2, 2), (5, 1, 1), (6, 1, 1)])
def test_streams(lanes: int, folds: int, read: int) -> None:
    """5 channels on 6 positions; constants come out of a memory where there are several words of them."""
    layer = Affine("layer", (5, 2, 3), DataType.parse("int4"), np.full(5, 3), np.arange(5))
    unit = AffineUnit(layer, lanes)
    assert unit.inputs == (StreamFormat(lanes, 4, 5, 30),)
    assert unit.outputs == (StreamFormat(lanes, layer.output.bits, 5, 30),)
    assert (unit.folds, unit.timing.read, unit.timing.words) == (folds, read, 6 * folds)


def test_bits_of_multipliers() -> None:
    assert [_unit([m, 0], [0, 0]).multiplier_bits for m in (1, 3, 4, -2, -4, -5)] == [1, 2, 3, 2, 3, 4]


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^lanes must be positive, not -1$"):
        _unit([1], [0], lanes=-1)
