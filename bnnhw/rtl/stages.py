"""Pipelines that hold their words in place: all stages stand still while the word at the end is not taken."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.rtl.emit import shared

__all__ = ["Stages"]


class _Gate(wiring.Component):
    """One of several copies of the handshake of a single stage, each of which stops some of its registers.

    A module of its own, so that synthesis doesn't merge equal ones (:class:`~bnnhw.rtl.copy.Copy`).

    Members
    -------
    valid, ready : In(1)
        Of the stage's source, and of its sink.
    advance : Out(1)
    """

    clocked = True
    module_name = "bnnhw_stage_gate"

    def __init__(self) -> None:
        super().__init__({"valid": In(1), "ready": In(1), "advance": Out(1)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        held = Signal()
        m.d.comb += self.advance.eq(~held | self.ready)
        with m.If(self.advance):
            m.d.sync += held.eq(self.valid)
        return m


class Stages:
    """The handshake of a pipeline that gives one word for each that it takes.

    Nothing waits in a queue: while the word at the end is not taken every word stays in the registers of its stage,
    which are those of the arithmetic, so that a stall costs an enable and no storage. ``ready`` passes from end to end
    by one gate, however many stages there are.

    Parameters
    ----------
    m : Module
    number : int
        Stages, 1 or more.
    source, sink : streams
        Their ``valid`` and ``ready`` are driven; payloads are the unit's own.
    reach : int, optional
        Registers that one enable stops at most, of a single stage; there are copies for others. All without it.
    platform : object
        Where the copies are made.

    Members
    -------
    advance : Signal
        Whether the stages take what stands before them in this cycle.
    """

    def __init__(
        self,
        m: Module,
        number: int,
        source: Any,
        sink: Any,
        reach: int | None = None,
        platform: object = None,
    ) -> None:
        if reach is not None and number != 1:
            raise ValueError(f"stages must be 1 where enables have copies, not {number}")
        self._m, self._source, self._sink = m, source, sink
        self._reach, self._platform = reach, platform
        self._stopped = self._gates = 0
        self.advance = Signal(name="advance")
        self._enable: Value = self.advance
        valid: Value = source.valid
        for stage in range(number):
            valid = self.register(valid, f"valid_{stage}", reset_less=False)
        m.d.comb += [
            self.advance.eq(~valid | sink.ready),
            source.ready.eq(self.advance),
            sink.valid.eq(valid),
        ]

    def register(self, value: Value, name: str, init: int = 0, *, reset_less: bool = True) -> Signal:
        """A value a stage later, of its shape; ``init`` before the first."""
        held = Signal(value.shape(), name=name, init=init, reset_less=reset_less)
        self.hold(held, value)
        return held

    def hold(self, held: Signal, value: Value) -> None:
        """Let a register of one's own take a value with the others."""
        self._stopped += len(held)
        if self._reach is not None and self._stopped > self._reach:
            self._another_gate()
            self._stopped = len(held)
        with self._m.If(self._enable):
            self._m.d.sync += held.eq(value)

    def _another_gate(self) -> None:
        gate = _Gate()
        self._gates += 1
        self._m.submodules[f"gate_{self._gates}"] = shared(self._platform, gate)
        self._m.d.comb += [gate.valid.eq(self._source.valid), gate.ready.eq(self._sink.ready)]
        self._enable = gate.advance
