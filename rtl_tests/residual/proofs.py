"""The proofs of fork, body, queue and join."""

from __future__ import annotations

from collections.abc import Callable

from bnnhw.dataflow.queues import deadlock_free_depth
from rtl_tests.formal.case import Case
from rtl_tests.residual.contract import ForkJoinContract
from rtl_tests.residual.fork_join import ForkJoin, Swallower

__all__ = ["PROOFS"]


def _fork_join(swallowed: int, words: int) -> Callable[[], ForkJoin]:
    depth = deadlock_free_depth(Swallower.needed(swallowed, words))
    return lambda: ForkJoin(1, swallowed, words, depth)


_BODY = ("contract.unit.body",)

# The queues have 1, 2 and 3 words: registers, and a memory.
PROOFS: dict[str, Case] = {
    "fork-join-2": Case(ForkJoinContract, _fork_join(2, 3)),
    "fork-join-3": Case(ForkJoinContract, _fork_join(3, 4), quick=True, faults=12, environment=_BODY),
    "fork-join-long": Case(ForkJoinContract, _fork_join(2, 5)),
}
