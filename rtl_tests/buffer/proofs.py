"""The proofs of queues in memories."""

from __future__ import annotations

from bnnhw.dataflow.format import StreamFormat
from bnnhw.devices import technology
from bnnhw.units.buffer.contract import BufferContract
from bnnhw.units.buffer.model import BufferUnit
from bnnhw.units.buffer.rtl import StreamBuffer
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _buffer(depth: int) -> StreamBuffer:
    return StreamBuffer(BufferUnit(StreamFormat(1, 1, 1, 1), depth, technology("generic")))


PROOFS: dict[str, Case] = {
    f"buffer-{d}": Case(BufferContract, lambda d=d: _buffer(d), quick=d == 3, faults=8 * (d == 3)) for d in (3, 4, 5)
}
