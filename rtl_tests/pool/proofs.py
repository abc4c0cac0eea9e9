"""The proofs of pooling units: maxima, minima and sums, of bits and of numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnhw.ir import DataType, MaxPool, SumPool, Window
from bnnhw.units.pool.contract import PoolContract
from bnnhw.units.pool.model import PoolUnit
from bnnhw.units.pool.rtl import PoolReduce
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _pool(dtype: str, minimum: str | None, area: int, lanes: int, channels: int = 0) -> Callable[[], PoolReduce]:
    """A sum, or a pool with a letter per channel: ``"<"`` takes the minimum, ``">"`` the maximum."""
    window = Window(channels or len(minimum or ""), 1, area, (1, area))
    if minimum is None:
        return lambda: PoolReduce(PoolUnit(SumPool("pool", window, DataType.parse(dtype)), lanes))
    mask = np.array([letter == "<" for letter in minimum])
    return lambda: PoolReduce(PoolUnit(MaxPool("pool", window, DataType.parse(dtype), mask), lanes))


PROOFS: dict[str, Case] = {
    "pool-max": Case(PoolContract, _pool("uint2", ">", 2, 1)),
    "pool-mixed": Case(PoolContract, _pool("bipolar", "<>>", 2, 2), quick=True, faults=8),
    "pool-signed": Case(PoolContract, _pool("int2", "<>", 3, 1)),
    "pool-single-tap": Case(PoolContract, _pool("uint2", "<>", 1, 1), quick=True),
    "pool-sum": Case(PoolContract, _pool("bipolar", None, 3, 2, 3), quick=True, faults=6),
    "pool-sum-signed": Case(PoolContract, _pool("int2", None, 2, 1, 1)),
}
