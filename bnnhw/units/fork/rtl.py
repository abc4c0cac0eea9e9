"""One stream to two."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.units.fork.model import ForkUnit

__all__ = ["Fork"]


class Fork(wiring.Component):
    """Gives every word to two branches, each of which takes it when it likes.

    - Input, first, second: words of the stream that comes in.
    - II = 1 where both branches are ready. Latency = 0: a word is offered to both while it is offered to the fork.
    - Stalls: a word is accepted when the later branch takes it; the other one does not see it a second time. Offers
      depend on the input's offer and a register, never on a branch's readiness.
    - Storage: a bit per branch.

    Parameters
    ----------
    model : ForkUnit

    Members
    -------
    input : stream of ``unsigned(model.format.width)``
    first, second : streams of the same
        Outputs.
    """

    clocked = True

    def __init__(self, model: ForkUnit) -> None:
        self.model = model
        signature = stream.Signature(unsigned(model.format.width))
        super().__init__({"input": In(signature), "first": Out(signature), "second": Out(signature)})

    @property
    def module_name(self) -> str:
        return f"bnnhw_fork_{self.model.format.width}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        done: list[Value] = []
        for name, branch in (("first", self.first), ("second", self.second)):
            taken, finished = Signal(name=f"{name}_taken"), Signal(name=f"{name}_finished")
            m.d.comb += [
                branch.valid.eq(self.input.valid & ~taken),
                branch.payload.eq(self.input.payload),
                finished.eq(taken | branch.ready),
            ]
            m.d.sync += taken.eq(self.input.valid & finished & ~self.input.ready)
            done.append(finished)
        m.d.comb += self.input.ready.eq(done[0] & done[1])
        return m
