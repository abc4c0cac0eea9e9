"""The proofs of the unit that joins."""

from __future__ import annotations

from collections.abc import Callable

from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import DataType
from bnnhw.units.join.contract import JoinContract
from bnnhw.units.join.model import JoinUnit
from bnnhw.units.join.rtl import Join
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _join(first: str, second: str, output: str, groups: tuple[int, int]) -> Callable[[], Join]:
    types = DataType.parse(first), DataType.parse(second)
    one, two = (StreamFormat(1, dtype.bits, words, words) for dtype, words in zip(types, groups, strict=True))
    return lambda: Join(JoinUnit(*types, one, two, DataType.parse(output)))


PROOFS: dict[str, Case] = {
    "join": Case(JoinContract, _join("uint1", "int2", "int2", (1, 2)), quick=True, faults=8),
    "join-bipolar": Case(JoinContract, _join("bipolar", "bipolar", "bipolar", (2, 1))),
}
