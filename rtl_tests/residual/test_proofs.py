"""Fork, body, queue and join are proved."""

from __future__ import annotations

import pytest

from rtl_tests.formal.checks import ProofTests
from rtl_tests.formal.prove import find_run
from rtl_tests.residual.contract import ForkJoinContract
from rtl_tests.residual.fork_join import ForkJoin, Swallower
from rtl_tests.residual.proofs import PROOFS

BOUND = 24
"""Cycles in which a deadlock must show."""


class TestProofs(ProofTests):
    proofs = PROOFS

    @pytest.mark.parametrize("swallowed, words, depth", [(2, 3, 2), (3, 4, 3), (3, 5, 3), (4, 6, 4)])
    def test_one_word_less_deadlocks(self, swallowed: int, words: int, depth: int) -> None:
        """The derived depth is the least: with one word less the solver finds the run that never comes out again."""
        contract = ForkJoinContract(ForkJoin(1, swallowed, words, depth - 1))
        assert find_run(contract, "serve", cycles=BOUND) is not None
        contract = ForkJoinContract(ForkJoin(1, swallowed, words, depth))
        assert find_run(contract, "serve", cycles=BOUND) is None
        assert Swallower.needed(swallowed, words)[0] == swallowed + 1
