"""The model of joins: streams, types, cycles, and what it refuses."""

from __future__ import annotations

import pytest

from bnnhw.dataflow import StreamFormat
from bnnhw.ir import DataType
from bnnhw.units.add.model import AddUnit


def _unit(first: str, second: str, lanes: int) -> AddUnit:
    one, other = DataType.parse(first), DataType.parse(second)
    return AddUnit(one, other, StreamFormat(lanes, one.bits, 6, 30))


@pytest.mark.parametrize(
    "first, second, total", [("uint3", "uint3", "uint4"), ("uint4", "int3", "int6"), ("bipolar", "bipolar", "int3")]
)
def test_streams(first: str, second: str, total: str) -> None:
    """Sums are as wide as their range; the streams are alike but for the bits of an element."""
    unit = _unit(first, second, 4)
    assert str(unit.dtype) == total
    assert [stream.bits for stream in (*unit.inputs, *unit.outputs)] == [
        DataType.parse(dtype).bits for dtype in (first, second, total)
    ]
    assert {stream.words for stream in (*unit.inputs, *unit.outputs)} == {10}


def test_timing() -> None:
    timing = _unit("uint3", "uint3", 4).timing
    assert (timing.interval, timing.latency, timing.depth) == (10, 10, 1)


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        _unit("uint2", "uint2", 0)
