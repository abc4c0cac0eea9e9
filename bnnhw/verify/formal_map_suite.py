"""The proofs of the units for feature maps, as :mod:`bnnhw.verify.formal_suite` has those of the others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnhw.devices import technology
from bnnhw.folding.residual import deadlock_free_depth
from bnnhw.hardware import elementwise
from bnnhw.hardware.pool import PoolReduce
from bnnhw.hardware.residual import Add, Fork, StreamBuffer
from bnnhw.ir import Affine, DataType, MaxPool, Quantize, SumPool, Thresholds, Window
from bnnhw.verify.fork_join import ForkJoin, Swallower
from bnnhw.verify.formal_contract import Contract
from bnnhw.verify.formal_pool import ElementContract, PoolContract
from bnnhw.verify.formal_residual import AddContract, BufferContract, ForkContract, ForkJoinContract
from bnnhw.verify.formal_suite import Case

__all__ = ["MAP_SUITE"]

_GENERIC = technology("generic")


def _pool(dtype: str, minimum: str | None, area: int, lanes: int, channels: int = 0) -> Callable[[], Contract]:
    """A sum, or a pool with a letter a channel: ``"<"`` takes the minimum, ``">"`` the maximum."""
    window = Window(channels or len(minimum or ""), 1, area, (1, area))
    if minimum is None:
        return lambda: PoolContract(PoolReduce(SumPool("pool", window, DataType.parse(dtype)), lanes))
    mask = np.array([letter == "<" for letter in minimum])
    return lambda: PoolContract(PoolReduce(MaxPool("pool", window, DataType.parse(dtype), mask), lanes))


def _quantize(dtype: str, output: str, thresholds: list[list[int]], lanes: int) -> Callable[[], Contract]:
    activation = Thresholds(np.array(thresholds), DataType.parse(output))
    layer = Quantize("layer", (len(thresholds), 1, 1), DataType.parse(dtype), activation)
    return lambda: ElementContract(elementwise.Quantize(layer, lanes))


def _affine(dtype: str, multiplier: list[int], offset: list[int], lanes: int) -> Callable[[], Contract]:
    shape = (len(multiplier), 1, 1)
    layer = Affine("layer", shape, DataType.parse(dtype), np.array(multiplier), np.array(offset))
    return lambda: ElementContract(elementwise.Affine(layer, lanes))


def _add(one: str, other: str, lanes: int) -> Callable[[], Contract]:
    return lambda: AddContract(Add(DataType.parse(one), DataType.parse(other), lanes))


def _fork_join(swallowed: int, words: int) -> Callable[[], Contract]:
    depth = deadlock_free_depth(Swallower.needed(swallowed, words))
    return lambda: ForkJoinContract(ForkJoin(1, swallowed, words, depth))


MAP_SUITE: dict[str, Case] = {
    "pool-max": Case(_pool("uint2", ">", 2, 1)),
    "pool-mixed": Case(_pool("bipolar", "<>>", 2, 2), quick=True),
    "pool-signed": Case(_pool("int2", "<>", 3, 1)),
    "pool-single-tap": Case(_pool("uint2", "<>", 1, 1), quick=True),
    "pool-sum": Case(_pool("bipolar", None, 3, 2, 3), quick=True),
    "pool-sum-signed": Case(_pool("int2", None, 2, 1, 1)),
    "quantize": Case(_quantize("int2", "bipolar", [[1], [-1], [2]], 2), quick=True),
    "quantize-levels": Case(_quantize("uint2", "int2", [[0, 1, 3], [2, 2, 4]], 1)),
    "quantize-one-word": Case(_quantize("bipolar", "bipolar", [[1], [0]], 2)),
    "affine-shifts": Case(_affine("bipolar", [1, -2], [0, 1], 1), quick=True),
    "affine-product": Case(_affine("uint1", [3, -1], [1, 0], 1)),
    "affine-one-word": Case(_affine("bipolar", [1, 1], [1, -1], 2)),
    "fork": Case(lambda: ForkContract(Fork(2)), quick=True),
    "add": Case(_add("uint2", "int2", 1), quick=True),
    "add-bipolar": Case(_add("bipolar", "bipolar", 2)),
    **{f"buffer-{d}": Case(lambda d=d: BufferContract(StreamBuffer(1, d, _GENERIC)), quick=d == 3) for d in (3, 4, 5)},
    # The queues have 1, 2 and 3 words: registers, and a memory.
    "fork-join-2": Case(_fork_join(2, 3)),
    "fork-join-3": Case(_fork_join(3, 4), quick=True),
    "fork-join-long": Case(_fork_join(2, 5)),
}
