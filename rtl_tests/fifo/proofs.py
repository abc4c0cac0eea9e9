"""The proofs of queues."""

from __future__ import annotations

from bnnhw.rtl.fifo import CreditedOutput, Fifo
from bnnhw.rtl.fifo_contract import CreditedContract, CreditedPipeline, FifoContract
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _credited(depth: int, latency: int, unary: bool) -> CreditedPipeline:
    return CreditedPipeline(CreditedOutput(2, depth, unary=unary), latency)


PROOFS: dict[str, Case] = {
    **{
        f"fifo-{d}{'-unary' * unary}": Case(
            FifoContract, lambda d=d, unary=unary: Fifo(2, d, unary=unary), quick=d == 3, faults=8 * (d == 3)
        )
        for d in (1, 2, 3, 4)
        for unary in (False, True)
    },
    **{
        # The pipeline in front of the queue is its environment.
        f"credited-{d}-{latency}{'-unary' * unary}": Case(
            CreditedContract,
            lambda d=d, latency=latency, unary=unary: _credited(d, latency, unary),
            quick=(d, latency) == (2, 3),
            faults=8 * ((d, latency) == (2, 3)),
            environment=("contract.unit",),
        )
        for d, latency in ((1, 0), (1, 2), (2, 1), (2, 3), (3, 4))
        for unary in (False, True)
    },
}
