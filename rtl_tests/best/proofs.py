"""The proofs of the output units of a frame per cycle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnhw.devices import technology
from bnnhw.ir import Output
from bnnhw.units.best.contract import BestContract
from bnnhw.units.best.model import BestUnit
from bnnhw.units.best.rtl import Best
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _best(classes: int, affine: tuple[int, int], numbers: tuple[int, int], family: str) -> Callable[[], Best]:
    output = Output("output", np.full(classes, affine[0]), np.full(classes, affine[1]))
    return lambda: Best(BestUnit(output, numbers, classes, technology(family)))


PROOFS: dict[str, Case] = {
    "best": Case(BestContract, _best(3, (2, -3), (0, 3), "ice40"), quick=True, faults=10),
    "best-signed": Case(BestContract, _best(4, (1, 0), (-2, 1), "ice40")),
    "best-queue": Case(BestContract, _best(3, (1, 0), (0, 1), "ecp5")),
    "best-sign": Case(BestContract, _best(1, (1, -2), (0, 3), "ice40"), quick=True),
}
