"""The contracts of queues: words come out once each, in order, as they went in."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value

from bnnhw.rtl.emit import shared
from bnnhw.rtl.fifo import CreditedOutput, Fifo
from bnnhw.verify.formal_contract import Contract, FrameWatch, Rules, stays

__all__ = ["CreditedContract", "FifoContract"]


def _in_order(m: Module, watch: FrameWatch, entering: Value, leaving: Value) -> Value:
    """Whether the word followed, if it is the one that leaves, is as it entered."""
    word = Signal(len(entering), name="followed_word")
    with m.If(watch.capturing):
        m.d.sync += word.eq(entering)
    return ~(watch.checking & watch.leave) | (leaving == word)


class FifoContract(Contract):
    """Of :class:`~bnnhw.rtl.fifo.Fifo`.

    - ``stable``: an offered word holds until it is taken.
    - ``order``: every word comes out in its turn and as it went in.
    - ``count``: no word is invented, never more than ``depth`` are held, and ``level`` says how many.
    - ``offer``: a word is offered whenever one is held, from the cycle after it was accepted.
    - ``accept``: a word is accepted whenever there is room.
    """

    properties = ("stable", "order", "count", "offer", "accept")
    covers = ("full", "followed")

    def __init__(self, unit: Fifo) -> None:
        self._unit = unit
        super().__init__({"input_valid": 1, "input_payload": unit.width, "output_ready": 1, "pick": 1})

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        unit = self._unit
        m.submodules.unit = shared(platform, unit)
        m.submodules.watch = watch = FrameWatch(1, 1, unit.depth)
        m.d.comb += [
            unit.input.valid.eq(self.input_valid),
            unit.input.payload.eq(self.input_payload),
            unit.output.ready.eq(self.output_ready),
            watch.enter.eq(unit.input.valid & unit.input.ready),
            watch.leave.eq(unit.output.valid & unit.output.ready),
            watch.pick.eq(self.pick),
        ]
        rules.check("stable", stays(m, unit.output.valid, unit.output.ready, unit.output.payload))
        rules.check("order", _in_order(m, watch, unit.input.payload, unit.output.payload))
        rules.check("count", watch.within & (unit.level == watch.inside))
        rules.check("offer", unit.output.valid == (watch.inside != 0))
        rules.check("accept", unit.input.ready == (watch.inside != unit.depth))
        rules.cover("full", watch.inside == unit.depth)
        rules.cover("followed", watch.checking & watch.leave)


class CreditedContract(Contract):
    """Of :class:`~bnnhw.rtl.fifo.CreditedOutput`, behind a pipeline that begins words only while granted.

    - ``stable``, ``order``: as for a queue; a word enters when it is begun.
    - ``count``: no word is invented, and never more than ``depth`` are begun and not taken, so that the queue behind
      the pipeline never refuses one.
    - ``offer``: a word is offered whenever one has arrived.
    - ``grant``: a word may be begun whenever there is room for it.

    Parameters
    ----------
    unit : CreditedOutput
    latency : int
        Cycles of the pipeline, from ``begin`` to ``push``.
    """

    properties = ("stable", "order", "count", "offer", "grant")
    covers = ("full", "followed")

    def __init__(self, unit: CreditedOutput, latency: int) -> None:
        self._unit, self._latency = unit, latency
        super().__init__({"want": 1, "payload": unit.width, "output_ready": 1, "pick": 1})

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        unit = self._unit
        m.submodules.unit = shared(platform, unit)
        m.submodules.watch = watch = FrameWatch(1, 1, unit.depth)
        push: Value = unit.begin
        payload: Value = self.payload
        for i in range(self._latency):
            valid, word = Signal(name=f"valid_{i}"), Signal(unit.width, name=f"word_{i}")
            m.d.sync += [valid.eq(push), word.eq(payload)]
            push, payload = valid, word
        arrived = Signal(range(2 * unit.depth + 2))
        m.d.sync += arrived.eq(arrived + push - watch.leave)
        m.d.comb += [
            unit.begin.eq(self.want & unit.grant),
            unit.push.eq(push),
            unit.payload.eq(payload),
            unit.output.ready.eq(self.output_ready),
            watch.enter.eq(unit.begin),
            watch.leave.eq(unit.output.valid & unit.output.ready),
            watch.pick.eq(self.pick),
        ]
        rules.check("stable", stays(m, unit.output.valid, unit.output.ready, unit.output.payload))
        rules.check("order", _in_order(m, watch, self.payload, unit.output.payload))
        rules.check("count", watch.within)
        rules.check("offer", unit.output.valid == (arrived != 0))
        rules.check("grant", unit.grant == (watch.inside != unit.depth))
        rules.cover("full", arrived == unit.depth)
        rules.cover("followed", watch.checking & watch.leave)
