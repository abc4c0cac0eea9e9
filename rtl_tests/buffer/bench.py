"""What is simulated of queues in memories."""

from __future__ import annotations

from bnnhw.dataflow.format import StreamFormat
from bnnhw.devices import technology
from bnnhw.units.buffer.model import BufferUnit
from rtl_tests.case import StreamUnit
from rtl_tests.fifo.bench import FifoModel

__all__ = ["UNITS"]

_UNIT = BufferUnit(StreamFormat(1, 9, 1, 1), 21, technology("generic"))

UNITS = (
    StreamUnit(
        "stream_buffer", _UNIT.component, FifoModel(9), _UNIT.timing.interval, _UNIT.timing.latency, _UNIT.depth
    ),
)
