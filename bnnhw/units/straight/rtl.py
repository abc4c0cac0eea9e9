"""Several datapaths one behind the other, and one handshake."""

from __future__ import annotations

from amaranth.hdl import Const, Elaboratable, Module, ResetSignal, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.dataflow.format import ResultFormat
from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import ElementTiming
from bnnhw.rtl.emit import apart, shared
from bnnhw.rtl.fifo import CreditedOutput, Fifo
from bnnhw.rtl.result import result_layout
from bnnhw.units.spatial.timing import QUEUE
from bnnhw.units.straight.model import StraightUnit

__all__ = ["Straight"]


class _Part(wiring.Component):
    """A unit's datapath, and which of its words are valid.

    Parameters
    ----------
    unit : Unit
    stands : bool
        Whether :attr:`go` stops it.

    Members
    -------
    word : In(input width), valid : In(1), go : In(1)
    output_payload : Out(output width), output_valid, output_ready : Out(1)
        Its stream, as others can see it: a word moves on in a cycle in which both are high.
    """

    def __init__(self, unit: Unit, stands: bool) -> None:
        self._unit, self._stands = unit, stands
        super().__init__(
            {
                "word": In(unit.inputs[0].width),
                "valid": In(1),
                "go": In(1),
                "output_payload": Out(unit.outputs[0].width),
                "output_valid": Out(1),
                "output_ready": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        result, registers = self._unit.datapath(m, platform, self.word)
        valid: Value = self.valid
        taken = [register.eq(value) for register, value in registers]
        for stage in range(self._unit.straight or 0):
            register = Signal(name=f"valid_{stage + 1}")
            taken.append(register.eq(valid))
            valid = register
        go: Value = self.go if self._stands else Const(1)
        with m.If(go):
            m.d.sync += taken
        m.d.comb += [self.output_payload.eq(result), self.output_valid.eq(valid), self.output_ready.eq(go)]
        return m


class Straight(wiring.Component):
    """Does what its parts do one behind the other.

    With P stages:

    - Input: that of the first part. Output: that of the last one.
    - II = 1. Latency = P + 1.
    - Stalls: where enables have global nets all stages stand while two words wait in the queue behind, by one register
      (:class:`~bnnhw.units.spatial.timing.StandingTiming`). Elsewhere they never stand: a word is accepted while the
      queue has a place for its result (:class:`~bnnhw.dataflow.word_timing.ElementTiming`).
    - Storage: that of the parts' registers, a bit for each stage, and the queue.

    Parameters
    ----------
    model : StraightUnit

    Members
    -------
    input, output : streams
        As those of the first and the last part.
    """

    def __init__(self, model: StraightUnit) -> None:
        self.model = model
        given = model.outputs[0]
        shape = result_layout(given) if isinstance(given, ResultFormat) else unsigned(given.width)
        super().__init__(
            {"input": In(stream.Signature(unsigned(model.inputs[0].width))), "output": Out(stream.Signature(shape))}
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        timing, width = self.model.timing, self.model.outputs[0].width
        go, accept = Signal(init=1), Signal()
        stands = not isinstance(timing, ElementTiming)
        word, valid = Value.cast(self.input.payload), Value.cast(accept)
        for name, unit in zip(self.model.names, self.model.parts, strict=True):
            part = _Part(unit, stands)
            m.submodules[name] = apart(platform, part, name, ResetSignal(allow_reset_less=True))
            m.d.comb += [part.word.eq(word), part.valid.eq(valid), part.go.eq(go)]
            word, valid = part.output_payload, part.output_valid
        payload = Value.cast(self.output.payload)
        if isinstance(timing, ElementTiming):
            credited = CreditedOutput(width, timing.credits, unary=self.model.technology.unary_control)
            m.submodules.queue = shared(platform, credited)
            m.d.comb += [
                go.eq(1),
                self.input.ready.eq(credited.grant),
                accept.eq(self.input.valid & credited.grant),
                credited.begin.eq(accept),
                credited.push.eq(valid),
                credited.payload.eq(word),
                self.output.valid.eq(credited.output.valid),
                payload.eq(credited.output.payload),
                credited.output.ready.eq(self.output.ready),
            ]
            return m
        queue = Fifo(width, QUEUE)
        m.submodules.queue = shared(platform, queue)
        pop, going = Signal(), Signal()
        # With two words in the queue in the next cycle, all stages stand in it.
        m.d.comb += [
            pop.eq(queue.output.valid & queue.output.ready),
            going.eq(pop | ~((queue.level == 2) | ((queue.level == 1) & queue.input.valid))),
            self.input.ready.eq(go),
            accept.eq(self.input.valid),
            queue.input.valid.eq(valid & go),
            queue.input.payload.eq(word),
            self.output.valid.eq(queue.output.valid),
            payload.eq(queue.output.payload),
            queue.output.ready.eq(self.output.ready),
        ]
        m.d.sync += go.eq(going)
        return m
