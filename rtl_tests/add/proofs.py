"""The proofs of joins."""

from __future__ import annotations

from collections.abc import Callable

from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import DataType
from bnnhw.units.add.contract import AddContract
from bnnhw.units.add.model import AddUnit
from bnnhw.units.add.rtl import Add
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _add(first: str, second: str, lanes: int) -> Callable[[], Add]:
    one, other = DataType.parse(first), DataType.parse(second)
    return lambda: Add(AddUnit(one, other, StreamFormat(lanes, one.bits, lanes, lanes)))


PROOFS: dict[str, Case] = {
    "add": Case(AddContract, _add("uint2", "int2", 1), quick=True, faults=8),
    "add-bipolar": Case(AddContract, _add("bipolar", "bipolar", 2)),
}
