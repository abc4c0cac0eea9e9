"""Matrix-vector units are proved."""

from __future__ import annotations

from rtl_tests.formal.checks import ProofTests
from rtl_tests.mvu.proofs import PROOFS


class TestProofs(ProofTests):
    proofs = PROOFS
