"""The spatial matrix unit: constants times a vector, in every cycle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.ir import Thresholds
from bnnhw.rtl.copy import Copy
from bnnhw.rtl.emit import shared
from bnnhw.rtl.fifo import CreditedOutput, Fifo
from bnnhw.rtl.popcount_plan import CounterPlan
from bnnhw.rtl.stages import Stages
from bnnhw.rtl.threshold import counted
from bnnhw.units.spatial.cells import RippleCell, TripleCell, full_adder, turned
from bnnhw.units.spatial.model import SpatialUnit
from bnnhw.units.spatial.structure import Counter, Lane, Neuron, Sum

__all__ = ["Spatial", "datapath"]


class Spatial(wiring.Component):
    """Multiplies a stream of vectors by a matrix of constants.

    With P stages, on families whose enables have no global nets (:class:`~bnnhw.units.spatial.timing.StandingTiming`):

    - Input: a word per vector; element ``k`` in bits ``[k * b, (k + 1) * b)``.
    - Output: a word per vector; neuron ``n`` is lane ``n``: an activation code, or the accumulator where the layer has
      no activation.
    - II = 1. Latency = P + 1.
    - Stalls: while two words wait at the output all stages stand; they go on in the cycle after one was taken. A word
      is accepted in every cycle in which they do not stand.
    - Storage: P + 2 words in whatever state of the arithmetic; no memory. Registers that stop have copies of the
      enable, one for every ``enable_reach`` of the technology.

    A large one (``free``, :class:`~bnnhw.dataflow.word_timing.ElementTiming`) never stands: latency = P + 1, a word is
    accepted while fewer than P + 2 are inside, and there is a queue of P + 2 results instead of enables.

    On the others (:class:`~bnnhw.dataflow.word_timing.StageTiming`) there is no queue: latency = P, all stages stand
    while the word at the output is not taken, ``ready`` passes through by one gate, storage P words.

    Parameters
    ----------
    model : SpatialUnit

    Members
    -------
    input : stream of ``unsigned(K * b)``
    output : stream of ``unsigned(N * lane bits)``
    """

    def __init__(self, model: SpatialUnit) -> None:
        self.model = model
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(model.inputs[0].width))),
                "output": Out(stream.Signature(unsigned(model.outputs[0].width))),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        reach = self.model.technology.enable_reach
        if self.model.free:
            self._free(m, platform)
        elif reach is None:
            self._in_place(m, platform)
        else:
            self._standing(m, platform, reach)
        return m

    def _in_place(self, m: Module, platform: object) -> None:
        """All stages stop while the word at the output is not taken."""
        stages = Stages(m, self.model.stages, self.input, self.output)
        word, registers = datapath(self.model, m, platform, self.input.payload)
        m.d.comb += self.output.payload.eq(word)
        with m.If(stages.advance):
            m.d.sync += [register.eq(value) for register, value in registers]

    def _free(self, m: Module, platform: object) -> None:
        """No stage stops; a word is accepted where there is a place for its result."""
        queue = CreditedOutput(len(self.output.payload), self.model.queue)
        m.submodules.queue = shared(platform, queue)
        wiring.connect(m, queue.output, wiring.flipped(self.output))
        word, registers = datapath(self.model, m, platform, self.input.payload)
        valid: Value = Signal(name="accept")
        m.d.comb += [
            self.input.ready.eq(queue.grant),
            valid.eq(self.input.valid & queue.grant),
            queue.begin.eq(valid),
        ]
        for stage in range(self.model.stages):
            register = Signal(name=f"valid_{stage + 1}")
            m.d.sync += register.eq(valid)
            valid = register
        m.d.comb += [queue.push.eq(valid), queue.payload.eq(word)]
        m.d.sync += [register.eq(value) for register, value in registers]

    def _standing(self, m: Module, platform: object, reach: int) -> None:
        """All stages stop while the queue is full."""
        queue = Fifo(len(self.output.payload), self.model.queue)
        m.submodules.queue = shared(platform, queue)
        wiring.connect(m, queue.output, wiring.flipped(self.output))
        word, arithmetic = datapath(self.model, m, platform, self.input.payload)

        # With two words in the queue in the next cycle, all stages stand in it.
        go, going, pop = Signal(init=1), Signal(), Signal()
        m.d.comb += [
            pop.eq(queue.output.valid & queue.output.ready),
            going.eq(pop | ~((queue.level == 2) | ((queue.level == 1) & queue.input.valid))),
            self.input.ready.eq(go),
        ]
        m.d.sync += go.eq(going)
        valid: Value = self.input.valid
        for stage in range(self.model.stages):
            register = Signal(name=f"valid_{stage + 1}")
            with m.If(go):
                m.d.sync += register.eq(valid)
            valid = register
        m.d.comb += [queue.input.valid.eq(valid & go), queue.input.payload.eq(word)]

        for number, registers in enumerate(_groups(arithmetic, reach)):
            copy = Copy(1, init=1)
            m.submodules[f"go_{number}"] = shared(platform, copy)
            m.d.comb += copy.d.eq(going)
            with m.If(copy.q):
                m.d.sync += [register.eq(value) for register, value in registers]


def datapath(model: SpatialUnit, m: Module, platform: object, word: Value) -> tuple[Value, list[tuple[Signal, Value]]]:
    """The results of a word of inputs, and what each register takes."""
    arithmetic = _Arithmetic(m, platform, model, word)
    return arithmetic.result(), arithmetic.registers


def _groups(registers: list[tuple[Signal, Value]], reach: int) -> Iterator[list[tuple[Signal, Value]]]:
    """Those that one copy of the enable stops."""
    group: list[tuple[Signal, Value]] = []
    for register in registers:
        if group and sum(len(signal) for signal, _ in group) + len(register[0]) > reach:
            yield group
            group = []
        group.append(register)
    if group:
        yield group


class _Arithmetic:
    """Signals of the sums and results, and what each register takes.

    Attributes
    ----------
    registers : list of (Signal, Value)
    """

    def __init__(self, m: Module, platform: object, model: SpatialUnit, word: Value) -> None:
        self._m = m
        self._platform = platform
        self._model = model
        self.registers: list[tuple[Signal, Value]] = []
        # What was delayed under a name, by so many cycles.
        self._late: dict[tuple[str, int], Signal] = {}
        self._own = 0
        self._inputs = [word[bit] for bit in range(model.structure.inputs)]
        self._triples: dict[int, Signal] = {}
        self._sums: list[Signal] = []

    def result(self) -> Value:
        """The output word, in the cycle of the last stage."""
        for number, total in enumerate(self._model.structure.sums):
            self._sums.append(self._sum(number, total))
        return Cat(*(self._neuron(n, neuron) for n, neuron in enumerate(self._model.structure.neurons)))

    def _register(self, value: Value, name: str) -> Signal:
        register = Signal(len(value), name=name, reset_less=True)
        self.registers.append((register, value))
        return register

    def _after(self, value: Value, name: str, cycles: int) -> Value:
        """A value some cycles later; what is asked for twice is made once."""
        for cycle in range(1, cycles + 1):
            key = name, cycle
            if key not in self._late:
                self._late[key] = self._register(value, f"{name}_late_{cycle}")
            value = self._late[key]
        return value

    def _named(self, value: Value, name: str, bits: int | None = None) -> Signal:
        signal = Signal(len(value) if bits is None else bits, name=name)
        self._m.d.comb += signal.eq(value)
        return signal

    def _bit(self, lane: Lane, stage: int) -> Value:
        """An input bit in a cycle of the popcounts, not inverted.

        Where nothing stands still it waits where it is used: one wire to all its users is shorter than one to those of
        each cycle.
        """
        value = self._inputs[lane[0]]
        if not self._model.free:
            return self._after(value, f"x_{lane[0]}", stage)
        for _ in range(stage):
            self._own += 1
            copy = Copy(1, reset_less=True)
            self._m.submodules[f"own_{self._own}"] = shared(self._platform, copy)
            self._m.d.comb += copy.d.eq(value)
            value = copy.q
        return value

    def _triple(self, lanes: Sequence[Lane], name: str) -> Signal:
        """The count of three lanes, in the first cycle."""
        cell = TripleCell([inverted for _, inverted in lanes])
        self._m.submodules[name] = shared(self._platform, cell)
        self._m.d.comb += cell.bits.eq(Cat(*(self._bit(lane, 0) for lane in lanes)))
        return cell.count

    def _shared_triple(self, number: int) -> Signal:
        if number not in self._triples:
            self._triples[number] = self._triple(self._model.structure.triples[number], f"triple_{number}")
        return self._triples[number]

    def _count(self, counter: Counter, name: str) -> Value:
        """The count of a popcount's lanes, in a register."""
        lanes, uses = iter(counter.lanes), iter(counter.shared)
        serial = 0

        def build(node: CounterPlan) -> tuple[Value, str, bool]:
            """A node's count, its name, and whether the count is its complement."""
            nonlocal serial
            parts = [(child, *build(child)) for child in node.children]
            inputs = [
                (self._after(value, own, node.stage - child.stage), inverted) for child, value, own, inverted in parts
            ]
            if node.kind == "triple" and (use := next(uses, None)) is not None:
                return self._shared_triple(use[0]), f"triple_{use[0]}", use[1]
            serial += 1
            own, taken = f"{name}_{node.kind}_{serial}", [next(lanes) for _ in range(node.own_lanes)]
            if node.kind == "triple":
                return self._triple(taken, own), own, False
            inputs.sort(key=lambda part: -len(part[0]))
            if node.kind == "ripple":
                (long, _), (short, _) = inputs
                inverted = [one for _, one in (*inputs, *taken)]
                cell = RippleCell((len(long), len(short)), inverted)
                self._m.submodules[own] = shared(self._platform, cell)
                lane = self._bit(taken[0], node.stage)
                self._m.d.comb += [cell.long.eq(long), cell.short.eq(short), cell.bit.eq(lane)]
                return cell.count, own, False
            bits = [turned(self._bit(lane, node.stage), lane[1]) for lane in taken]
            if not inputs:
                return self._named(full_adder(bits), own), own, False
            long, short = (turned(*part) for part in inputs)
            if node.kind == "chain":
                return self._named((long + short)[: node.bits], own), own, False
            # The lowest cell of the chain adds 1 and the lane, for its carry.
            total = Cat(Const(1, 1), long) + Cat(*bits, short)
            return self._named(total[1 : node.bits + 1], own), own, False

        value, own, inverted = build(counter.plan)
        return self._register(turned(value, inverted), f"{own}_count" if serial else f"{name}_count")

    def _sum(self, number: int, total: Sum) -> Signal:
        """The value of a sum in a register, in cycle ``total.ready``."""
        terms: list[tuple[int, int, Value]] = []
        for i, counter in enumerate(total.counters):
            count = self._count(counter, f"sum_{number}_{counter.shift}")
            terms.append((counter.plan.latency, i, Cat(Const(0, counter.shift), count)))
        if total.parent is not None:
            before = self._sums[total.parent]
            ready = self._model.structure.sums[total.parent].ready
            terms.append((ready, -1, ~before if total.negated else before))
        made = len(terms)
        while len(terms) > 1:
            (early, one, a), (late, _, b), *rest = sorted(terms, key=lambda term: term[:2])
            a = self._after(a, f"sum_{number}_term_{one}", late - early)
            added = self._register((a + b)[: total.bits], f"sum_{number}_{made}")
            terms = [*rest, (late + 1, made, added)]
            made += 1
        ((ready, _, value),) = terms
        assert ready == total.ready
        return self._named(value, f"sum_{number}", total.bits)

    def _neuron(self, n: int, neuron: Neuron) -> Value:
        """The result of a neuron in the last stage."""
        matrix, made, stages = self._model.matrix, self._model.structure, self._model.stages
        activation, bits = matrix.activation, matrix.output.bits
        if not isinstance(activation, Thresholds):
            if neuron.sum is None:
                return Const(neuron.offset, bits)
            total, value = made.sums[neuron.sum], self._sums[neuron.sum]
            if self._model.bare and (coding := self._model.coding) is not None:
                shift = coding.step.bit_length() - 1
                code = self._named((value + Const(0, shift + coding.bits))[shift : shift + coding.bits], f"code_{n}")
                return self._after(code, f"code_{n}", stages - total.ready)
            whole = self._register((value + Const(neuron.offset, bits + 1))[:bits], f"neuron_{n}")
            return self._after(whole, f"neuron_{n}", stages - total.ready - 1)
        thresholds = [int(t) - neuron.offset for t in activation.values[n]]
        if neuron.sum is None:
            level = sum(t <= 0 for t in thresholds)
            return Const(int(activation.dtype.codes(np.array(level))), bits)
        total, value = made.sums[neuron.sum], self._sums[neuron.sum]
        met = [self._reached(value, t, total, f"met_{n}_{k}") for k, t in enumerate(thresholds)]
        if len(met) == 1:
            return self._after(met[0], f"met_{n}_0", stages - total.ready - 1)
        level = self._named(counted(met)[: len(met).bit_length()], f"level_{n}")
        code = Cat(level[:-1], ~level[-1]) if activation.dtype.kind == "int" else level
        return self._after(self._register(code, f"code_{n}"), f"code_{n}", stages - total.ready - 2)

    def _reached(self, value: Value, threshold: int, total: Sum, name: str) -> Value:
        """Whether a sum's value reaches a constant, in a register."""
        if threshold <= total.low:
            return Const(1, 1)
        if threshold > total.high:
            return Const(0, 1)
        # From the lowest bit up: at a 1 of the threshold the bit must be there too, at a 0 it is enough.
        reached: Value = Const(1, 1)
        for i in range(total.bits):
            reached = value[i] & reached if threshold >> i & 1 else value[i] | reached
        return self._register(reached, name)
