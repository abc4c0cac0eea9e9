"""The proofs of affine units: shifts, products, and constants in wires."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnhw.ir import Affine, DataType
from bnnhw.units.affine.contract import AffineContract
from bnnhw.units.affine.model import AffineUnit
from bnnhw.units.affine.rtl import Affiner
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _affine(dtype: str, multiplier: list[int], offset: list[int], lanes: int) -> Callable[[], Affiner]:
    shape = (len(multiplier), 1, 1)
    layer = Affine("layer", shape, DataType.parse(dtype), np.array(multiplier), np.array(offset))
    return lambda: Affiner(AffineUnit(layer, lanes))


PROOFS: dict[str, Case] = {
    "affine-shifts": Case(AffineContract, _affine("bipolar", [1, -2], [0, 1], 1), quick=True, faults=6),
    "affine-product": Case(AffineContract, _affine("uint1", [3, -1], [1, 0], 1), faults=6),
    "affine-one-word": Case(AffineContract, _affine("bipolar", [1, 1], [1, -1], 2)),
}
