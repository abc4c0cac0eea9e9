"""Contracts of lookup units are proved."""

from __future__ import annotations

from rtl_tests.formal.checks import ProofTests
from rtl_tests.lookup.proofs import PROOFS


class TestProofs(ProofTests):
    proofs = PROOFS
