"""Tables, class sums and the class as one pipeline, small enough to be proved."""

from __future__ import annotations

import numpy as np

from bnnhw.devices import technology
from bnnhw.ir import Output
from bnnhw.units.best.model import BestUnit
from bnnhw.units.lookup.model import LookupUnit
from bnnhw.units.spatial.model import SpatialUnit
from bnnhw.units.straight.model import StraightUnit
from rtl_tests.lookup.layers import tables
from tests.layers import class_sums

__all__ = ["pipeline"]


def pipeline(
    inputs: int, neurons: int, classes: int, family: str, affine: tuple[int, int] = (1, 0), regions: int = 1
) -> StraightUnit:
    """Neurons of two inputs each; the parts' names are those of modules, one of a kind in a design."""
    tech = technology(family)
    bared = SpatialUnit(class_sums(neurons, classes), tech).bared()
    assert bared is not None
    sums, coding = bared
    output = Output("output", np.full(classes, affine[0]), np.full(classes, affine[1]))
    best = BestUnit(output, (coding.low, coding.high), classes, tech)
    lookup = LookupUnit(tables(inputs, neurons, 2, "bipolar", "bipolar", 1), regions=regions)
    return StraightUnit(tuple(f"{family}_{name}" for name in ("tables", "sums", "class")), (lookup, sums, best), tech)
