# amaranth: UnusedElaboratable=no
"""Proofs of the units' contracts, and that no contract is too weak to notice a broken unit."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Const, Module, Signal, unsigned

from bnnhw import tools
from bnnhw.errors import ToolError
from bnnhw.hardware import argmax, fifo, mvu, replay, shift_add, width, window
from bnnhw.rtl.emit import rtlil
from bnnhw.verify import formal
from bnnhw.verify.formal import find_run, prove
from bnnhw.verify.formal_contract import Contract, Rules
from bnnhw.verify.formal_mvu import ArgmaxContract, MvuContract
from bnnhw.verify.formal_queue import CreditedContract, FifoContract
from bnnhw.verify.formal_suite import SUITE
from bnnhw.verify.formal_width import WidthContract
from bnnhw.verify.formal_window import WindowContract

BOUND = 24
"""Cycles in which a planted fault must show."""


@pytest.fixture(autouse=True)
def _abc() -> None:
    try:
        formal.find_abc()
    except ToolError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", [name for name, case in SUITE.items() if case.quick])
def test_contract_holds(name: str) -> None:
    case = SUITE[name]
    proof = prove(case.make(), cycles=case.cycles, seconds=3600)
    assert proof.failures == ()
    assert proof.unreached == ()
    assert proof.holds


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, case in SUITE.items() if not case.quick])
def test_contract_holds_too(name: str) -> None:
    test_contract_holds(name)


# Faults: what to replace in a unit's source, and a property that must then fail. Every property is here.
FIFO = [
    ("word.eq(source)", "word.eq(self.input.payload)", "order"),
    ("with m.If(pop | (level <= i))", "with m.If(pop | push | (level <= i))", "stable"),
    ("level != 0", "level != 1", "offer"),
    ("level != self.depth", "level < self.depth - 1", "accept"),
    ("level + push - pop", "level + self.input.valid - pop", "count"),
]
CREDITED = [
    ("stays_positive(places, returned, self.begin)", "1", "count"),
    ("stays_positive(places, returned, self.begin)", "(places + returned - self.begin) > 1", "grant"),
    ("fifo.output.valid)", "fifo.output.valid & ~self.push)", "stable"),
    ("fifo.input.payload.eq(self.payload)", "fifo.input.payload.eq(self.payload | self.output.ready)", "order"),
    ("fifo.input.valid.eq(self.push)", "fifo.input.valid.eq(self.push & ~self.output.ready)", "offer"),
]
WIDTH = [
    ((2, 6, 9), "self._filled(Mux(ends, partial, full), ends)", "Mux(ends, partial, full)", "fill"),
    ((2, 6, 9), "completes.eq((place == ratio - 1) | ends)", "completes.eq(place == ratio - 1)", "offer"),
    ((2, 6, 9), "self.input.ready.eq(~completes | ~valid | self.output.ready)", "self.input.ready.eq(1)", "stable"),
    ((6, 2, 9), "held[g.output_width :]", "held[g.output_width - 1 :]", "bits"),
    ((6, 2, 9), "with m.If(finishes):", "with m.If(finishes & self.input.valid):", "count"),
    ((6, 2, 9), "~valid | (finishes & self.output.ready)", "~valid & self.output.ready", "progress"),
    ((3, 2, 4), "clear.eq(take & complete & ends)", "clear.eq(0)", "offer"),
    ((2, 3, 7), "Mux(complete, clear, room)", "room", "bits"),
]
MVU = [
    (mvu.Mvu, "payload.eq(Cat(*results))", "payload.eq(Cat(*results) ^ self.output.ready)", "result"),
    (mvu.Mvu, "(m, issued.address,", "(m, (issued.address + 1)[:len(issued.address)],", "result"),
    (mvu.Mvu, "issued.grant.eq(out.grant)", "issued.grant.eq(1)", "result"),
    (mvu.Mvu, "wiring.connect(m, out.output, wiring.flipped(self.output))", None, "stable"),
    (replay.Replay, "(~first_pass | there) &", "", "count"),
    (replay.Replay, "self.input.ready.eq(fits)", "self.input.ready.eq(1)", "buffer"),
    (replay.Replay, "stays_positive(free, freed, accept)", "(free > 1)", "accept"),
    (replay.Replay, "stays_positive(fresh, accept, begun)", "0", "serve"),
]
SERIAL = [
    (replay.Replay, "at_end & ~lowest, fold_start", "at_end & 0, fold_start", "result"),
    (replay.Replay, "lowest.eq(self.plane == 1)", "lowest.eq(self.plane == 0)", "result"),
    (shift_add.ShiftAdd, "(total << 1) + self.value", "total + self.value", "result"),
    (mvu.Mvu, 'issued.plane, 2, "plane"', 'issued.plane, 1, "plane"', "result"),
]
DEPTHWISE = [
    # Neighbouring elements take neighbouring channels.
    ("side-by-side", mvu.Mvu, "for copy in copies for x in copy", "for copy in zip(*copies) for x in copy", "result"),
    ("replay", replay.Replay, "at_end & ~last_pass, vector_start", "at_end & 0, vector_start", "result"),
    ("replay", replay.Replay, "freed, begun = self.issue & last_pass", "freed, begun = self.issue", "buffer"),
]
ARGMAX = [
    ("(score > best.score)", "(score >= best.score)", "result"),
    ("right[0] > left[0]", "right[0] >= left[0]", "result"),
    (
        "self.output.valid.eq(queue.output.valid)",
        "self.output.valid.eq(queue.output.valid & ~self.input.valid)",
        "stable",
    ),
    ("push.eq(valid & last)", "push.eq(valid)", "count"),
    ("~ends | queue.grant", "queue.grant", "accept"),
    ("push.eq(valid & last)", "push.eq(0)", "serve"),
]
WINDOW = [
    ("window", "payload.eq(word)", "payload.eq(word ^ self.output.ready)", "result"),
    # A circle that is too small.
    ("window-rows-16", "size = p.memory_words(width, self.technology)", "size = p.buffer_words - 1", "result"),
    ("window-padded-13", "Mux(fill, Const", "Mux(~fill, Const", "result"),
    ("window", "wiring.connect(m, out.output, wiring.flipped(self.output))", None, "stable"),
    ("window", "~ahead[-1] | padded", "~ahead[-1] | self.output.ready", "count"),
    ("window-padded-13", "if not p.inside[0]:", "if False:", "count"),
    ("window-rest-16", "self.input.ready.eq(beyond[-1])", "self.input.ready.eq(1)", "buffer"),
    ("window", '"base", p.window_words,', '"base", p.window_words - 1,', "accept"),
    ("window-channels-16", "issue.eq(there & out.grant)", "issue.eq(there & out.grant & self.output.ready)", "serve"),
]
# A register between the queue and the output that forgets to wait.
UNSTABLE = (
    textwrap.dedent("""
    m.d.comb += [self.output.valid.eq(out.output.valid), out.output.ready.eq(self.output.ready)]
    m.d.comb += self.output.payload.eq(out.output.payload ^ self.input.valid)
""")
    .strip()
    .replace("\n", "; ")
)


@pytest.fixture
def break_unit(monkeypatch: pytest.MonkeyPatch) -> Callable[[type, str, str], None]:
    """Plants a fault in a class: replaces a piece of the source of the one method that has it."""

    def plant(unit: type, old: str, new: str) -> None:
        places = [
            (name, source)
            for name, method in vars(unit).items()
            if inspect.isfunction(method) and old in (source := textwrap.dedent(inspect.getsource(method)))
        ]
        assert len(places) == 1, f"{old!r} is in {len(places)} methods of {unit.__name__}"
        name, source = places[0]
        namespace: dict[str, Any] = dict(vars(sys.modules[unit.__module__]))
        exec(compile("from __future__ import annotations\n" + source.replace(old, new), "<fault>", "exec"), namespace)
        monkeypatch.setattr(unit, name, namespace[name])

    return plant


def _must_fail(contract: Contract, property_name: str) -> None:
    run = find_run(contract, property_name, cycles=BOUND)
    assert run is not None
    assert 0 < len(run.inputs) <= BOUND


Plant = Callable[[type, str, str], None]


@pytest.mark.parametrize("old, new, name", FIFO)
def test_broken_fifo(break_unit: Plant, old: str, new: str, name: str) -> None:
    break_unit(fifo.Fifo, old, new)
    _must_fail(FifoContract(fifo.Fifo(2, 3)), name)


@pytest.mark.parametrize("old, new, name", CREDITED)
def test_broken_credits(break_unit: Plant, old: str, new: str, name: str) -> None:
    break_unit(fifo.CreditedOutput, old, new)
    _must_fail(CreditedContract(fifo.CreditedOutput(2, 2), 2), name)


@pytest.mark.parametrize("sizes, old, new, name", WIDTH)
def test_broken_width(break_unit: Plant, sizes: tuple[int, int, int], old: str, new: str, name: str) -> None:
    break_unit(width.WidthConverter, old, new)
    _must_fail(WidthContract(width.WidthConverter(WidthUnit(*sizes))), name)


@pytest.mark.parametrize("unit, old, new, name", MVU)
def test_broken_mvu(break_unit: Plant, unit: type, old: str, new: str | None, name: str) -> None:
    break_unit(unit, old, UNSTABLE if new is None else new)
    _must_fail(SUITE["mvu-padded-16"].make(), name)


@pytest.mark.parametrize("unit, old, new, name", SERIAL)
def test_broken_serial_planes(break_unit: Plant, unit: type, old: str, new: str, name: str) -> None:
    break_unit(unit, old, new)
    _must_fail(SUITE["mvu-serial"].make(), name)


@pytest.mark.parametrize("case, unit, old, new, name", DEPTHWISE)
def test_broken_depthwise(break_unit: Plant, case: str, unit: type, old: str, new: str, name: str) -> None:
    break_unit(unit, old, new)
    _must_fail(SUITE[f"mvu-depthwise-{case}"].make(), name)


@pytest.mark.parametrize("old, new, name", ARGMAX)
def test_broken_argmax(break_unit: Plant, old: str, new: str, name: str) -> None:
    break_unit(argmax.Argmax, old, new)
    _must_fail(SUITE["argmax"].make(), name)


@pytest.mark.parametrize("case, old, new, name", WINDOW)
def test_broken_window(break_unit: Plant, case: str, old: str, new: str | None, name: str) -> None:
    break_unit(window.WindowUnit, old, UNSTABLE if new is None else new)
    _must_fail(SUITE[case].make(), name)


@pytest.mark.parametrize(
    "contract, faults",
    [
        (FifoContract, FIFO),
        (CreditedContract, CREDITED),
        (WidthContract, WIDTH),
        (MvuContract, MVU),
        (ArgmaxContract, ARGMAX),
        (WindowContract, WINDOW),
    ],
)
def test_every_property_can_fail(contract: type[Contract], faults: list[tuple[Any, ...]]) -> None:
    assert {fault[-1] for fault in faults} == set(contract.properties)


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
    monkeypatch.setattr(formal.shutil, "which", lambda *_, **__: None)
    assert tools.find("yosys").found
    with pytest.raises(ToolError, match=r"^yosys-abc is missing, needed for formal proofs: pip install pyosys$"):
        formal.find_abc()


def test_wires_have_no_width_contract() -> None:
    with pytest.raises(ValueError, match=r"^widths must differ, not both be 4$"):
        WidthContract(width.WidthConverter(WidthUnit(4, 4, 8)))


def test_shared_units_are_emitted_as_always() -> None:
    """The contract instantiates the module that a design does, so what is proved is what is built."""
    alone = rtlil(fifo.Fifo(2, 3), "bnnhw_fifo_2x3").replace("attribute \\top 1\n", "")
    assert alone.strip() in rtlil(FifoContract(fifo.Fifo(2, 3)), "contract")
