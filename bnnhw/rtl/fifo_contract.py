"""The contracts of queues: words come out once each, in order, as they went in."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.rtl.contract import Rules
from bnnhw.rtl.emit import shared
from bnnhw.rtl.fifo import CreditedOutput, Fifo
from bnnhw.rtl.golden import Capture
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way

__all__ = ["CreditedContract", "CreditedPipeline", "FifoContract"]


class FifoContract(StreamContract):
    """The contract of :class:`~bnnhw.rtl.fifo.Fifo`; a frame is a word.

    - ``count``: no more than ``depth`` words are held.
    - ``accept``: a word is accepted whenever there is room.
    - ``serve``: a word is offered whenever one is held, from the cycle after it was accepted.
    - ``level``: it says how many words are held.
    """

    properties = (*StreamContract.properties, "level")

    def __init__(self, unit: Fifo) -> None:
        self._unit = unit
        super().__init__(unit, 1, 1, capacity=unit.depth, patience=0)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        return way.payload == Capture(m, way, traffic.entering["input"], 1).words[0]

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        return traffic.input.ready == (traffic.way.watch.inside != self._unit.depth)

    def full(self, m: Module, traffic: Traffic) -> Value:
        return traffic.way.watch.inside == self._unit.depth

    def particulars(self, m: Module, traffic: Traffic, rules: Rules) -> None:
        rules.check("level", self._unit.level == traffic.way.watch.inside)


class CreditedPipeline(wiring.Component):
    """:class:`~bnnhw.rtl.fifo.CreditedOutput` behind registers that can't stop: a queue that accepts what is granted.

    Parameters
    ----------
    queue : CreditedOutput
    latency : int
        Cycles from ``begin`` to ``push``.

    Members
    -------
    input, output : streams of ``unsigned(queue.width)``
    arrives : Out(1)
        A word reaches the queue.
    """

    def __init__(self, queue: CreditedOutput, latency: int) -> None:
        self.queue, self._latency = queue, latency
        signature = stream.Signature(unsigned(queue.width))
        super().__init__({"input": In(signature), "output": Out(signature), "arrives": Out(1)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        queue = self.queue
        m.submodules.queue = shared(platform, queue)
        push: Value = queue.begin
        payload: Value = self.input.payload
        for i in range(self._latency):
            valid, word = Signal(name=f"valid_{i}"), Signal(queue.width, name=f"word_{i}")
            m.d.sync += [valid.eq(push), word.eq(payload)]
            push, payload = valid, word
        wiring.connect(m, queue.output, wiring.flipped(self.output))
        m.d.comb += [
            self.input.ready.eq(queue.grant),
            queue.begin.eq(self.input.valid & queue.grant),
            queue.push.eq(push),
            queue.payload.eq(payload),
            self.arrives.eq(push),
        ]
        return m


class CreditedContract(StreamContract):
    """The contract of :class:`~bnnhw.rtl.fifo.CreditedOutput`, behind a pipeline that begins words only while granted.

    - ``count``: never more than ``depth`` words are begun and not taken, so that the queue behind the pipeline never
      refuses one.
    - ``accept``: a word may be begun whenever there is room for it.
    - ``serve``: a word is offered whenever one has arrived.
    """

    def __init__(self, unit: CreditedPipeline) -> None:
        self._unit, self._arrived = unit, Signal(range(2 * unit.queue.depth + 2))
        super().__init__(unit, 1, 1, capacity=unit.queue.depth, patience=0)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        return way.payload == Capture(m, way, traffic.entering["input"], 1).words[0]

    def there(self, m: Module, traffic: Traffic, way: Way) -> Value:
        m.d.sync += self._arrived.eq(self._arrived + self._unit.arrives - way.leave)
        return self._arrived != 0

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        return traffic.input.ready == (traffic.way.watch.inside != self._unit.queue.depth)

    def full(self, m: Module, traffic: Traffic) -> Value:
        return self._arrived == self._unit.queue.depth
