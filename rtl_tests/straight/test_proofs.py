"""Several units as one pipeline are proved."""

from __future__ import annotations

from rtl_tests.formal.checks import ProofTests
from rtl_tests.straight.proofs import PROOFS


class TestProofs(ProofTests):
    proofs = PROOFS
