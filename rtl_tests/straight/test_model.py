"""The model of several units as one pipeline: streams, cycles and cost are those of its parts, with one queue."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.dataflow import Resources
from bnnhw.dataflow.resources import queue_resources
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
    # Alone each part but the tables has a queue where it can't stop at once: of two words, or of one per stage too.
    # What runs free counts its words, and the places left, in unary.
    width, free = sums.outputs[0].width, family == "ecp5"
    queued = (2 * width + (1 + rounds + 2) * (last.outputs[0].width + 2)) if free else 0
    # No handshake but one: 8 tables and a register for each stage.
    parts = Resources.total(part.datapath_resources() for part in unit.parts)
    assert unit.resources() == parts + Resources(8, stages, 0) + queue_resources(
        places, last.outputs[0].width, unary=free
    )
    assert parts.ff + stages == sum(part.resources().ff for part in unit.parts) - queued


def test_other_units_are_no_part() -> None:
    output = Output("out", np.array([1, 2]), np.array([0, 0]))
    with pytest.raises(ValueError, match=r"^a part must give a word for each word it takes, not argmax$"):
        StraightUnit(("end",), (ArgmaxUnit(output, (0, 3), 2),), technology("ice40"))
