"""The model of several units as one pipeline: streams, cycles and cost are those of its parts, with one queue."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.dataflow.inventory import Inventory, queue
from bnnhw.devices import technology
from bnnhw.ir import Output
from bnnhw.units.argmax.model import ArgmaxUnit
from bnnhw.units.straight.model import StraightUnit
from rtl_tests.straight.networks import pipeline


@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_made_of_its_parts(family: str) -> None:
    unit = pipeline(9, 12, 3, family)
    first, sums, last = unit.parts
    assert (unit.inputs, unit.outputs) == (first.inputs, last.outputs)
    rounds = 2 if family == "ice40" else 4
    assert (first.straight, last.straight) == (1, 1 + rounds)
    assert sums.straight is not None
    stages = 1 + sums.straight + 1 + rounds
    assert (unit.timing.interval, unit.timing.latency) == (1, stages + 1)
    places = 2 if family == "ice40" else stages + 2
    # What runs free counts its words, and the places left, in unary.
    free = family == "ecp5"
    # No handshake but one, with a register for each stage.
    parts = sum((part.datapath_inventory() for part in unit.parts), Inventory({"handshake": 1, "register": stages}))
    assert unit.inventory() == parts + queue(places, last.outputs[0].width, credited=free, unary=free)


def test_other_units_are_no_part() -> None:
    output = Output("out", np.array([1, 2]), np.array([0, 0]))
    with pytest.raises(ValueError, match=r"^a part must give a word for each word it takes, not argmax$"):
        StraightUnit(("end",), (ArgmaxUnit(output, (0, 3), 2),), technology("ice40"))
