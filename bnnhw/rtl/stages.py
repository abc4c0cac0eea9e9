"""Pipelines that hold their words in place: all stages stand still while the word at the end is not taken."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal, Value

__all__ = ["Stages"]


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

    Members
    -------
    advance : Signal
        Whether the stages take what stands before them in this cycle.
    """

    def __init__(self, m: Module, number: int, source: Any, sink: Any) -> None:
        self._m = m
        self.advance = Signal(name="advance")
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
        with self._m.If(self.advance):
            self._m.d.sync += held.eq(value)
        return held
