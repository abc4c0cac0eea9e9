"""The proofs of forks."""

from __future__ import annotations

from bnnhw.dataflow.format import StreamFormat
from bnnhw.units.fork.contract import ForkContract
from bnnhw.units.fork.model import ForkUnit
from bnnhw.units.fork.rtl import Fork
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]

PROOFS: dict[str, Case] = {
    "fork": Case(ForkContract, lambda: Fork(ForkUnit(StreamFormat(1, 2, 1, 1))), quick=True, faults=8)
}
