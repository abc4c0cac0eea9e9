"""The proofs of several units as one pipeline."""

from __future__ import annotations

from bnnhw.units.straight.contract import StraightContract
from bnnhw.units.straight.rtl import Straight
from rtl_tests.formal.case import Case
from rtl_tests.straight.networks import pipeline

__all__ = ["PROOFS"]

PROOFS: dict[str, Case] = {
    "straight": Case(StraightContract, lambda: Straight(pipeline(3, 4, 2, "ice40", (2, -1))), quick=True, faults=8),
    "straight-free": Case(StraightContract, lambda: Straight(pipeline(3, 4, 2, "ecp5"))),
    "straight-regions": Case(StraightContract, lambda: Straight(pipeline(3, 4, 2, "ecp5", regions=2))),
}
