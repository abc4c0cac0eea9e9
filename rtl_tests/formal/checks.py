"""The tests that every unit's proofs go through; a unit's ``test_proofs.py`` says which cases it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import pytest

from bnnhw.errors import ToolError
from rtl_tests.formal.case import Case
from rtl_tests.formal.faults import planted
from rtl_tests.formal.prove import find_abc, prove

__all__ = ["ProofTests"]

MISSED = 8
"""One in so many faults that could be seen may go unnoticed: it changes undefined lanes, or when a word comes, within
what the contract leaves open.
"""

ROUNDS = 8
"""Faults are planted so many times over, each time others, before a property counts as one that can't fail."""


class ProofTests:
    """The contracts of a unit hold, and notice a broken unit.

    Attributes
    ----------
    proofs : dict of str to Case
    """

    proofs: ClassVar[Mapping[str, Case]]

    @pytest.fixture(autouse=True)
    def _abc(self) -> None:
        try:
            find_abc()
        except ToolError as error:
            pytest.skip(str(error))

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        """Parametrize a test by the cases that it is about."""
        chosen = {
            "quick": [name for name, case in cls.proofs.items() if case.quick],
            "thorough": [name for name, case in cls.proofs.items() if not case.quick],
            "faulty": [name for name, case in cls.proofs.items() if case.faults],
        }
        for name, values in chosen.items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, values)

    def test_contract_holds(self, quick: str) -> None:
        self._holds(self.proofs[quick])

    @pytest.mark.slow
    def test_contract_holds_too(self, thorough: str) -> None:
        self._holds(self.proofs[thorough])

    def _holds(self, case: Case) -> None:
        proof = prove(case.make(), cycles=case.cycles, seconds=3600)
        assert proof.failures == ()
        assert proof.unreached == ()
        assert proof.holds

    def test_planted_faults_are_noticed(self, faulty: str) -> None:
        verdicts = planted(self.proofs[faulty])
        assert len(verdicts) > self.proofs[faulty].faults
        visible = [verdict for verdict in verdicts if verdict.visible]
        unnoticed = [str(verdict.fault) for verdict in visible if not verdict.failed]
        assert len(unnoticed) <= -(-len(visible) // MISSED), "\n".join(unnoticed)

    def test_every_property_can_fail(self) -> None:
        """Each property of each contract is broken by one of the faults, or of more that are planted until it is."""
        contracts = {case.contract for case in self.proofs.values()}
        for contract in contracts:
            cases = [case for case in self.proofs.values() if case.contract is contract and case.faults]
            unbroken = set(contract.properties)
            for more in range(ROUNDS):
                for case in cases:
                    if unbroken:
                        verdicts = planted(replace(case, seed=case.seed + more))
                        unbroken.difference_update(*(verdict.failed for verdict in verdicts))
            assert unbroken == set(), contract.__name__
