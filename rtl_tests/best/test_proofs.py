"""The output units of a frame per cycle are proved."""

from __future__ import annotations

from rtl_tests.best.proofs import PROOFS
from rtl_tests.formal.checks import ProofTests


class TestProofs(ProofTests):
    proofs = PROOFS
