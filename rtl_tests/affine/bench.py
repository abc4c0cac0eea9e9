"""What is simulated of affine units."""

from __future__ import annotations

import numpy as np

from bnnhw.ir import Affine, DataType
from bnnhw.units.affine.model import AffineUnit
from rtl_tests.case import StreamUnit
from rtl_tests.elementwise import ElementModel

__all__ = ["UNITS"]


def _affine(name: str, dtype: str, multiplier: list[int], offset: list[int], lanes: int) -> StreamUnit:
    layer = Affine("affine", (5, 2, 3), DataType.parse(dtype), np.array(multiplier), np.array(offset))
    unit = AffineUnit(layer, lanes)
    t = unit.timing
    return StreamUnit(name, unit.component, ElementModel(layer, lanes), t.interval, t.latency, t.credits)


UNITS = (
    _affine("affine_shifts", "int6", [1, -4, 0, 8, -1], [3, -70, 5, 0, 1], 2),
    _affine("affine_product", "uint5", [3, -5, 11, 8, -1], [3, -70, 5, 0, 1], 3),
)
