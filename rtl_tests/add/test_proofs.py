"""Joins are proved."""

from __future__ import annotations

from rtl_tests.add.proofs import PROOFS
from rtl_tests.formal.checks import ProofTests


class TestProofs(ProofTests):
    proofs = PROOFS
