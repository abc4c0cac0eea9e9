# amaranth: UnusedElaboratable=no
"""Proofs of the units for feature maps, and that no contract is too weak to notice a broken unit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bnnhw.hardware import elementwise, pool, residual
from bnnhw.verify.fork_join import ForkJoin, Swallower
from bnnhw.verify.formal import find_run, prove
from bnnhw.verify.formal_contract import Contract
from bnnhw.verify.formal_map_suite import MAP_SUITE
from bnnhw.verify.formal_pool import ElementContract, PoolContract
from bnnhw.verify.formal_residual import AddContract, BufferContract, ForkContract, ForkJoinContract
from tests.verify.test_formal import BOUND, _abc, break_unit

__all__ = ["_abc", "break_unit"]

Plant = Callable[[type, str, str], None]


@pytest.mark.parametrize("name", [name for name, case in MAP_SUITE.items() if case.quick])
def test_contract_holds(name: str) -> None:
    proof = prove(MAP_SUITE[name].make(), seconds=3600)
    assert proof.failures == ()
    assert proof.unreached == ()
    assert proof.holds


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, case in MAP_SUITE.items() if not case.quick])
def test_contract_holds_too(name: str) -> None:
    test_contract_holds(name)


ELEMENT = elementwise.Quantize.__mro__[1]
"""What both element-wise units are made of."""

HASTY = (
    "m.d.comb += [self.output.valid.eq(queue.output.valid & ~self.input.valid), "
    "self.output.payload.eq(queue.output.payload), queue.output.ready.eq(self.output.ready)]"
)
"""An output that withdraws its word when another one comes in."""

# Faults: the proof they break, the unit, what to replace in its source, and the property that must then fail.
FAULTS: list[tuple[str, type, str, str, str]] = [
    ("pool-mixed", pool.PoolReduce, "with m.If(self.output.ready):", "with m.If(self.input.valid):", "stable"),
    ("pool-mixed", pool.PoolReduce, "Mux(first, value, joined)", "joined", "result"),
    ("pool-mixed", pool.PoolReduce, "r ^ bit.replicate(len(r))", "r", "result"),
    ("pool-signed", pool.PoolReduce, "total.as_signed() if", "total if", "result"),
    ("pool-sum", pool.PoolReduce, "total + value", "total | value", "result"),
    ("pool-mixed", pool.PoolReduce, "if area == 1 else ~valid", "if area == 1 else Const(1)", "count"),
    ("pool-mixed", pool.PoolReduce, "[valid.eq(1), ", "[valid.eq(first), ", "offer"),
    ("pool-mixed", pool.PoolReduce, "~last | room", "room", "accept"),
    ("quantize", ELEMENT, "wiring.connect(m, queue.output, wiring.flipped(self.output))", HASTY, "stable"),
    ("quantize", ELEMENT, "rom.address.eq(fold)", "rom.address.eq((fold + 1)[: len(fold)])", "result"),
    ("affine-shifts", elementwise.Affine, "offset + (multiplier < 0)", "offset + 0", "result"),
    ("affine-product", elementwise.Affine, "one - rest[0][0] if", "one + rest[0][0] if", "result"),
    ("quantize", ELEMENT, "push: Value = accept", "push: Value = self.input.valid", "count"),
    ("quantize", ELEMENT, "ready.eq(queue.grant)", "ready.eq(queue.grant & ~self.output.valid)", "accept"),
    ("quantize", ELEMENT, "queue.push.eq(push)", "queue.push.eq(0)", "serve"),
    ("fork", residual.Fork, "valid & ~taken)", "valid & ~taken & ~self.second.ready)", "stable"),
    ("fork", residual.Fork, "payload.eq(self.input.payload)", "payload.eq(self.input.payload[::-1])", "order"),
    ("fork", residual.Fork, "valid & ~taken)", "valid)", "count"),
    ("fork", residual.Fork, "valid & ~taken)", "valid & ~taken & branch.ready)", "offer"),
    ("fork", residual.Fork, "done[0] & done[1]", "done[0] & done[1] & ~self.first.valid", "accept"),
    ("add", residual.Add, "with m.If(room):", "with m.If(Const(1)):", "stable"),
    ("add", residual.Add, "first.ready.eq(self.second.valid & room)", "first.ready.eq(room)", "pair"),
    ("add", residual.Add, "(a + b)", "(a - b)", "order"),
    ("add", residual.Add, "room.eq(~valid | self.output.ready)", "room.eq(1)", "count"),
    ("add", residual.Add, "valid.eq(self.first.valid & self.second.valid)", "valid.eq(self.first.valid)", "offer"),
    ("add", residual.Add, "room.eq(~valid | self.output.ready)", "room.eq(~valid)", "accept"),
    ("buffer-3", residual.StreamBuffer, "open_.eq(~head | self.output.ready)", "open_.eq(1)", "stable"),
    ("buffer-3", residual.StreamBuffer, "write.addr.eq(write_address)", "write.addr.eq(read_address)", "order"),
    ("buffer-3", residual.StreamBuffer, "self.input.valid & fits", "self.input.valid", "count"),
    ("buffer-3", residual.StreamBuffer, "with m.If(open_):", "with m.If(move):", "offer"),
    ("buffer-3", residual.StreamBuffer, "stays_positive(free, move,", "stays_positive(free, Const(0),", "accept"),
    ("fork-join-3", residual.Add, "with m.If(room):", "with m.If(Const(1)):", "stable"),
    ("fork-join-3", residual.StreamBuffer, "write.addr.eq(write_address)", "write.addr.eq(read_address)", "order"),
    ("fork-join-3", residual.Add, "valid.eq(self.first.valid & self.second.valid)", "valid.eq(1)", "count"),
    ("fork-join-3", residual.Fork, "done[0] & done[1]", "done[0] & done[1] & self.input.payload[0]", "progress"),
]


@pytest.mark.parametrize("proof, unit, old, new, name", FAULTS)
def test_broken(break_unit: Plant, proof: str, unit: type, old: str, new: str, name: str) -> None:
    break_unit(unit, old, new)
    run = find_run(MAP_SUITE[proof].make(), name, cycles=BOUND)
    assert run is not None
    assert 0 < len(run.inputs) <= BOUND


@pytest.mark.parametrize("swallowed, words, depth", [(2, 3, 2), (3, 4, 3), (3, 5, 3), (4, 6, 4)])
def test_one_word_less_deadlocks(swallowed: int, words: int, depth: int) -> None:
    """The derived depth is the least: with one word less the solver finds the run that never comes out again."""
    contract = ForkJoinContract(ForkJoin(1, swallowed, words, depth - 1))
    assert find_run(contract, "progress", cycles=BOUND) is not None
    contract = ForkJoinContract(ForkJoin(1, swallowed, words, depth))
    assert find_run(contract, "progress", cycles=BOUND) is None
    assert Swallower.needed(swallowed, words)[0] == swallowed + 1


@pytest.mark.parametrize(
    "contract, proofs",
    [
        (PoolContract, {"pool-mixed", "pool-signed", "pool-sum"}),
        (ElementContract, {"quantize", "affine-shifts", "affine-product"}),
        (ForkContract, {"fork"}),
        (AddContract, {"add"}),
        (BufferContract, {"buffer-3"}),
        (ForkJoinContract, {"fork-join-3"}),
    ],
)
def test_every_property_can_fail(contract: type[Contract], proofs: set[str]) -> None:
    assert {fault[-1] for fault in FAULTS if fault[0] in proofs} == set(contract.properties)


def test_registers_have_no_buffer_contract() -> None:
    from bnnhw.devices import technology

    with pytest.raises(ValueError, match=r"^depth must be at least 3, not 2$"):
        BufferContract(residual.StreamBuffer(1, 2, technology("generic")))
