"""The class with the highest number, found in every cycle."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.dataflow.word_timing import ElementTiming
from bnnhw.rtl.choice import Choice
from bnnhw.rtl.emit import shared
from bnnhw.rtl.fifo import CreditedOutput
from bnnhw.rtl.result import result_layout
from bnnhw.rtl.shapes import integer_shape
from bnnhw.rtl.stages import Stages
from bnnhw.units.best.model import BestUnit

__all__ = ["Best", "datapath"]


@dataclass(frozen=True)
class _Contender:
    """A number that may be the highest.

    Parameters
    ----------
    held : Signal
        The number, or its complement.
    inverted : bool
    index : list of Value
        The bits of its class's index; those that are the same for all classes it may be of are constants.
    """

    held: Signal
    inverted: bool
    index: list[Value]

    @property
    def number(self) -> Value:
        return ~self.held if self.inverted else self.held


class Best(wiring.Component):
    """Compares the numbers of all classes in pairs, then the winners, until one is left; the lowest index wins a tie.

    A carry chain compares a number with the complement of another one. Where it has no inverters, who comes second in
    the next pair is held inverted: no look-up table stands between its register and the chain.

    With ``stages`` of :class:`~bnnhw.units.best.model.BestUnit`:

    - Input: a word per frame; the number of class ``n`` is lane ``n``.
    - Output: a word per frame, :func:`~bnnhw.rtl.result.result_layout`.
    - II = 1. Where enables have global nets all stages stand while the word at the output is not taken: latency =
      ``stages``, storage a word in each of them. Elsewhere they run free: latency = ``stages + 1``, and a word is
      accepted while the queue behind has room for its result.

    Parameters
    ----------
    model : BestUnit

    Members
    -------
    input : stream of ``unsigned(lanes * number width)``
    output : stream of :func:`~bnnhw.rtl.result.result_layout`
    """

    def __init__(self, model: BestUnit) -> None:
        self.model = model
        self._layout = result_layout(model.outputs[0])
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(model.inputs[0].width))),
                "output": Out(stream.Signature(self._layout)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        timing = self.model.timing
        result, registers = datapath(self.model, m, platform, self.input.payload)
        if isinstance(timing, ElementTiming):
            queue = CreditedOutput(self._layout.size, timing.credits, unary=self.model.technology.unary_control)
            m.submodules.queue = shared(platform, queue)
            accept = Signal()
            m.d.comb += [
                self.input.ready.eq(queue.grant),
                accept.eq(self.input.valid & queue.grant),
                queue.begin.eq(accept),
                queue.payload.eq(result),
                self.output.valid.eq(queue.output.valid),
                self.output.payload.as_value().eq(queue.output.payload),
                queue.output.ready.eq(self.output.ready),
            ]
            valid: Value = accept
            for stage in range(self.model.stages):
                register = Signal(name=f"valid_{stage}")
                m.d.sync += register.eq(valid)
                valid = register
            m.d.comb += queue.push.eq(valid)
            m.d.sync += [register.eq(value) for register, value in registers]
            return m
        stages = Stages(m, self.model.stages, self.input, self.output)
        with m.If(stages.advance):
            m.d.sync += [register.eq(value) for register, value in registers]
        m.d.comb += self.output.payload.as_value().eq(result)
        return m


def datapath(model: BestUnit, m: Module, platform: object, word: Value) -> tuple[Value, list[tuple[Signal, Value]]]:
    """The result of a word of numbers, and what each register takes."""
    registers: list[tuple[Signal, Value]] = []
    shape, classes = integer_shape(*model.number_range), model.output.classes
    index_bits = model.outputs[0].index_bits

    def held(value: Value, index: list[Value], place: int, name: str) -> _Contender:
        """A contender a stage later, inverted where it comes second and chains don't subtract."""
        inverted = place % 2 == 1 and not model.technology.subtracts
        register = Signal(shape, name=f"{'inverted' if inverted else 'number'}_{name}", reset_less=True)
        registers.append((register, ~value if inverted else value))
        return _Contender(register, inverted, index)

    def later(value: Value, name: str) -> Signal:
        register = Signal(value.shape(), name=name, reset_less=True)
        registers.append((register, value))
        return register

    def chosen(first: Value, second: Value, higher: Value) -> Value:
        """A bit of an index: the second one if that is higher."""
        if isinstance(first, Const) == isinstance(second, Const):
            same = isinstance(first, Const) and isinstance(second, Const) and first.value == second.value
            return first if same else Mux(higher, second, first)
        choice = Choice("pair")
        m.submodules += shared(platform, choice)
        # A chain's carry says that the second one is not higher: an inverter behind it could not become part of this
        # module.
        a, b, select = (first, second, higher) if model.split else (second, first, ~higher)
        m.d.comb += [choice.a.eq(a), choice.b.eq(b), choice.select.eq(select)]
        return choice.chosen

    def compared(first: _Contender, second: _Contender, name: str) -> tuple[_Contender, _Contender, Value]:
        """Two contenders, and whether the second one is higher; a stage later where that is one of its own."""
        # A comparison operator may become one of the other order, or an adder and a test for zero.
        difference = Signal(signed(shape.width + 1), name=f"difference_{name}")
        m.d.comb += difference.eq(first.number - second.number)
        higher: Value = difference[-1]
        if not model.split:
            return first, second, higher
        return waited(first, f"first_{name}"), waited(second, f"second_{name}"), later(higher, f"higher_{name}")

    def waited(one: _Contender, name: str) -> _Contender:
        index = [bit if isinstance(bit, Const) else later(bit, f"{name}_index_{n}") for n, bit in enumerate(one.index)]
        return _Contender(later(one.held, name), one.inverted, index)

    left: list[_Contender] = []
    for n in range(classes):
        lane = word[n * shape.width : (n + 1) * shape.width]
        left.append(
            held(
                lane.as_signed() if shape.signed else lane,
                [Const(n >> bit & 1, 1) for bit in range(index_bits)],
                n,
                f"of_{n}",
            )
        )
    for turn in range(model.rounds):
        winners: list[_Contender] = []
        for place in range(-(-len(left) // 2)):
            first, name = left[2 * place], f"{turn}_{place}"
            if 2 * place + 1 == len(left):
                if model.split:
                    first = waited(first, f"first_{name}")
                value, index = first.number, first.index
            else:
                first, second, higher = compared(first, left[2 * place + 1], name)
                value = Mux(higher, second.number, first.number)
                index = [chosen(a, b, higher) for a, b in zip(first.index, second.index, strict=True)]
            index = [bit if isinstance(bit, Const) else later(bit, f"index_{name}_{n}") for n, bit in enumerate(index)]
            winners.append(held(value, index, place, name))
        left = winners
    (winner,) = left
    # A single number decides between two classes.
    if (model.multiplier, model.offset) == (1, 0):
        return Cat(*(winner.index if classes > 1 else [winner.number >= 0]), winner.number), registers
    score = Signal(integer_shape(*model.score_range), name="score", reset_less=True)
    index = Signal(index_bits, name="index", reset_less=True)
    made = winner.number * model.multiplier + model.offset
    registers += [(score, made), (index, Cat(*winner.index) if classes > 1 else made >= 0)]
    return Cat(index, score), registers
