# amaranth: UnusedElaboratable=no
"""Queues in memories are proved."""

from __future__ import annotations

import pytest

from bnnhw.dataflow.format import StreamFormat
from bnnhw.devices import technology
from bnnhw.units.buffer.contract import BufferContract
from bnnhw.units.buffer.model import BufferUnit
from bnnhw.units.buffer.rtl import StreamBuffer
from rtl_tests.buffer.proofs import PROOFS
from rtl_tests.formal.checks import ProofTests


class TestProofs(ProofTests):
    proofs = PROOFS

    def test_registers_have_no_contract(self) -> None:
        unit = StreamBuffer(BufferUnit(StreamFormat(1, 1, 1, 1), 2, technology("generic")))
        with pytest.raises(ValueError, match=r"^depth must be at least 3, not 2$"):
            BufferContract(unit)
