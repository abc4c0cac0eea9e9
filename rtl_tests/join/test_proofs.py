"""The unit that joins is proved."""

from __future__ import annotations

from rtl_tests.formal.checks import ProofTests
from rtl_tests.join.proofs import PROOFS


class TestProofs(ProofTests):
    proofs = PROOFS
