# amaranth: UnusedElaboratable=no
"""Width converters are proved."""

from __future__ import annotations

import pytest

from bnnhw.units.width.contract import WidthContract
from bnnhw.units.width.model import WidthUnit
from bnnhw.units.width.rtl import WidthConverter
from rtl_tests.formal.checks import ProofTests
from rtl_tests.width.proofs import PROOFS


class TestProofs(ProofTests):
    proofs = PROOFS

    def test_wires_have_no_contract(self) -> None:
        with pytest.raises(ValueError, match=r"^widths must differ, not both be 4$"):
            WidthContract(WidthConverter(WidthUnit(4, 4, 8)))
