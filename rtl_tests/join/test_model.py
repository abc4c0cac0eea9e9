"""The model of the unit that joins: streams, cycles, and what it refuses."""

from __future__ import annotations

import re

import pytest

from bnnhw.dataflow import StreamFormat
from bnnhw.ir import DataType
from bnnhw.units.join.model import JoinUnit

UINT2, INT3 = DataType("uint", 2), DataType("int", 3)


def _unit(one: int, two: int, lanes: int = 2, positions: int = 3) -> JoinUnit:
    formats = [StreamFormat(lanes, bits, group, positions * group) for bits, group in ((2, one), (3, two))]
    return JoinUnit(UINT2, INT3, formats[0], formats[1], DataType("int", 4))


def test_streams() -> None:
    unit = _unit(4, 6)
    assert [stream.bits for stream in (*unit.inputs, *unit.outputs)] == [2, 3, 4]
    assert unit.outputs[0] == StreamFormat(2, 4, 10, 30)


def test_timing() -> None:
    timing = _unit(4, 6).timing
    assert (timing.first, timing.second) == (2, 3)
    assert (timing.interval, timing.latency, timing.depth) == (15, 15, 1)


def test_errors() -> None:
    form = StreamFormat(2, 2, 4, 12)

    def refused(two: StreamFormat, message: str, one: StreamFormat = form) -> None:
        with pytest.raises(ValueError, match=rf"^{re.escape(message)}$"):
            JoinUnit(UINT2, UINT2, one, two, UINT2)

    refused(StreamFormat(4, 2, 4, 12), "streams must have the same lanes, not 2 and 4")
    refused(StreamFormat(2, 2, 4, 16), "streams must have the same groups, not 3 and 4")
    refused(StreamFormat(2, 2, 3, 9), "groups of 4 and 3 must be multiples of 2 lanes")
