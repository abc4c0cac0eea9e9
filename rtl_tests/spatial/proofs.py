"""The proofs of spatial matrix units: sums from nothing and from others, shared lanes, levels, accumulators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnhw.devices import technology
from bnnhw.ir import BitMatrix, DataType, Dense, Thresholds, WeightPlane
from bnnhw.units.spatial.contract import SpatialContract
from bnnhw.units.spatial.model import SpatialUnit
from bnnhw.units.spatial.rtl import Spatial
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _spatial(
    rows: str,
    dtype: str,
    thresholds: list[list[int]] | None,
    output: str = "bipolar",
    family: str = "ice40",
    bare: bool = False,
    free: bool | None = None,
) -> Callable[[], Spatial]:
    """A unit from the weight rows of each plane: ``"101 011"`` is two neurons, ``"10 01/11 00"`` two planes."""
    planes = []
    for plane in rows.split("/"):
        bits = np.array([[int(bit) for bit in row] for row in plane.split()], np.uint8)
        planes.append(WeightPlane(1, BitMatrix.from_bits(bits)))
    activation = None
    if thresholds is not None:
        activation = Thresholds(np.array(thresholds, np.int64), DataType.parse(output))
    layer = Dense("layer", DataType.parse(dtype), tuple(planes), activation)
    return lambda: Spatial(SpatialUnit(layer, technology(family), bare=bare, runs_free=free))


PROOFS: dict[str, Case] = {
    "spatial-smallest": Case(SpatialContract, _spatial("10 01", "bipolar", [[2], [1]]), quick=True, faults=8),
    "spatial-queue": Case(
        SpatialContract, _spatial("10 01", "bipolar", [[2], [1]], family="generic"), quick=True, faults=8
    ),
    # The same three lanes, the complements, a neuron that is a constant.
    "spatial-shared": Case(SpatialContract, _spatial("101 010 110 011", "bipolar", [[2], [1], [2], [4]]), faults=8),
    "spatial-accumulators": Case(SpatialContract, _spatial("101 011", "bipolar", None)),
    "spatial-free": Case(SpatialContract, _spatial("10 01", "bipolar", [[2], [1]], free=True), quick=True, faults=8),
    "spatial-free-shared": Case(
        SpatialContract, _spatial("101 010 110 011", "bipolar", [[2], [1], [2], [4]], free=True), faults=8
    ),
    # Two lanes each, the others of weight 0; a lane counts twice, which is left out as well as what is constant.
    "spatial-bare": Case(SpatialContract, _spatial("1011 1111/1000 0011", "bipolar", None, bare=True), quick=True),
    "spatial-bare-queue": Case(SpatialContract, _spatial("101 011", "bipolar", None, family="ecp5", bare=True)),
    "spatial-levels": Case(SpatialContract, _spatial("101 011", "bipolar", [[1, 2, 3], [0, 1, 4]], "int2", "ecp5")),
    "spatial-planes": Case(SpatialContract, _spatial("10 01", "uint2", [[3], [2]])),
    "spatial-ternary": Case(SpatialContract, _spatial("110 011/100 010", "bipolar", [[3], [4]])),
}
"""A correction needs more lanes than can be proved: see ``test_structure.py``, which computes every sum in integers."""
