# amaranth: UnusedElaboratable=no
"""The machinery of proofs: what does not hold comes back as a shortest run, what is said is what was asked."""

from __future__ import annotations

import pytest
from amaranth.hdl import Const, Module, Signal, unsigned

import rtl_tests.formal.prove as prove_module
from bnnhw import tools
from bnnhw.errors import ToolError
from bnnhw.rtl import fifo
from bnnhw.rtl.contract import Contract, Rules
from bnnhw.rtl.emit import rtlil
from bnnhw.rtl.fifo_contract import FifoContract
from rtl_tests.formal.faults import unit_modules
from rtl_tests.formal.prove import find_abc, prove


@pytest.fixture(autouse=True)
def _abc() -> None:
    try:
        find_abc()
    except ToolError as error:
        pytest.skip(str(error))


class _Counter(Contract):
    """Counts to 5 while ``go``; the property says it never gets there."""

    properties = ("below", "true")
    covers = ("third", "never")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        super().__init__({"go": 1})

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        count = Signal(unsigned(3))
        with m.If(self.go & (count != 5)):
            m.d.sync += count.eq(count + 1)
        rules.check("below", count < self._limit)
        rules.check("true", Const(1))
        rules.cover("third", count == 3)
        rules.cover("never", count == 6)


def test_a_counterexample_is_shortest_and_readable() -> None:
    proof = prove(_Counter(3))
    assert [run.name for run in proof.failures] == ["below"]
    assert len(proof.failures[0].inputs) == 4
    assert [cycle["go"] for cycle in proof.failures[0].inputs[:3]] == [1, 1, 1]
    assert str(proof.failures[0]).splitlines()[:2] == ["below in cycle 3", "  0: go=1 rst=0"]
    # The one that no run reaches is named too.
    assert proof.unreached == ("never",)


def test_a_bound_is_a_bound() -> None:
    """Broken in cycle 5: five cycles do not show it, six do."""
    assert prove(_Counter(5), cycles=5).failures == ()
    assert [run.name for run in prove(_Counter(5), cycles=6).failures] == ["below"]
    assert prove(_Counter(6)).failures == ()


def test_a_property_must_be_stated() -> None:
    rules = Rules(Module(), ("first", "second"), ("third",), Signal(2), Signal(1))
    rules.check("first", Const(1))
    with pytest.raises(ValueError, match=r"^a contract must state second, third$"):
        rules.finish()


def test_without_abc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove_module.shutil, "which", lambda *_, **__: None)
    assert tools.find("yosys").found
    with pytest.raises(ToolError, match=r"^yosys-abc is missing, needed for formal proofs: pip install pyosys$"):
        find_abc()


def test_shared_units_are_emitted_as_always() -> None:
    """The contract instantiates the module that a design does, so what is proved is what is built."""
    alone = rtlil(fifo.Fifo(2, 3), "bnnhw_fifo_2x3").replace("attribute \\top 1\n", "")
    assert alone.strip() in rtlil(FifoContract(fifo.Fifo(2, 3)), "contract")


def test_faults_are_planted_in_the_unit_alone() -> None:
    text = rtlil(FifoContract(fifo.Fifo(2, 3)), "contract")
    assert unit_modules(text) == ["bnnhw_fifo_2x3"]
    assert unit_modules(text, ("bnnhw_fifo_2x3",)) == []
