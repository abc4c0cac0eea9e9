"""The proofs of truth tables."""

from __future__ import annotations

from bnnhw.ir import Lookup
from bnnhw.units.lookup.contract import LookupContract
from bnnhw.units.lookup.model import LookupUnit
from bnnhw.units.lookup.rtl import Tables
from rtl_tests.formal.case import Case
from rtl_tests.lookup.layers import tables

__all__ = ["PROOFS"]


def _case(layer: Lookup, faults: int = 0, quick: bool = True) -> Case:
    return Case(LookupContract, lambda: Tables(LookupUnit(layer)), quick=quick, faults=faults)


PROOFS: dict[str, Case] = {
    # A constant and a wire among them.
    "lookup": _case(tables(5, 5, 3, "bipolar", "bipolar", 3), faults=12),
    # More than a LUT4 holds, elements and results of several bits.
    "lookup-wide": _case(tables(4, 2, 3, "uint2", "int2", 4), quick=False),
    "lookup-widest": _case(tables(9, 1, 8, "bipolar", "bipolar", 5), quick=False),
}
