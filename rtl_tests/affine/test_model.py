"""The model of affine units: cycles of their parts, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^lanes must be positive, not -1$"):
        _unit([1], [0], lanes=-1)
