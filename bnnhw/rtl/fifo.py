"""Queues: a plain one, and one that a free-running pipeline may pour into."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.rtl.emit import shared

__all__ = ["CreditedOutput", "Fifo", "stays_positive"]


def stays_positive(counter: Signal, up: Value, down: Value) -> Value:
    """Whether ``counter + up - down`` is positive, without waiting for the adder's carry chain.

    ``down`` is high only while the counter is positive.
    """
    return up | ~((counter == 0) | ((counter == 1) & down))


def _unary(m: Module, held: Signal, up: Value, down: Value) -> None:
    """Let a register count in unary: bit ``n`` tells that the count is above ``n``; never past its ends."""
    with m.If(up ^ down):
        m.d.sync += held.eq(Mux(up, Cat(Const(1, 1), held[:-1]), held[1:]))


class Fifo(wiring.Component):
    """A first-in first-out queue of a few words in registers.

    II = 1, from depth 2 on: a word is accepted and one is given in every cycle. At depth 1, II = 2: a full queue whose
    word is taken does not accept a new one in that cycle. Latency = 1: a word accepted in cycle ``t`` is offered in
    ``t + 1``. Stalls when it holds ``depth`` words. Storage: ``depth * width`` registers; the head and ``valid`` are
    registers, so the output has no logic behind it.

    Parameters
    ----------
    width : int
        Bits a word.
    depth : int
        Words it holds.
    unary : bool
        Whether it counts in unary, ``depth`` registers, so that no carry chain stands between a word taken and the
        next one offered.

    Members
    -------
    input, output : streams of ``unsigned(width)``
    level : Out(range(depth + 1))
        Words held.
    """

    clocked = True

    def __init__(self, width: int, depth: int, *, unary: bool = False) -> None:
        if depth < 1:
            raise ValueError(f"depth must be positive, not {depth}")
        self.width = width
        self.depth = depth
        self.unary = unary
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(width))),
                "output": Out(stream.Signature(unsigned(width))),
                "level": Out(range(depth + 1)),
            }
        )

    @property
    def module_name(self) -> str:
        return f"bnnhw_fifo_{self.width}x{self.depth}{'_unary' * self.unary}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        level = Signal(range(self.depth + 1))
        words = Array(Signal(self.width, name=f"word_{i}", reset_less=True) for i in range(self.depth))
        push, pop = Signal(), Signal()
        if self.unary:
            held = Signal(self.depth)
            _unary(m, held, push, pop)
            m.d.comb += level.eq(sum(held))
            some, room = held[0], ~held[-1]
            above, others = list(held), [~bit for bit in held]
        else:
            # One bit of its own, so that nothing but a register stands before what waits for a word.
            some, room = Signal(), level != self.depth
            if self.depth == 1:
                m.d.comb += some.eq(level)
            else:
                m.d.sync += some.eq(stays_positive(level, push, pop))
            above, others = [level > i for i in range(self.depth)], [level <= i for i in range(self.depth)]
        m.d.comb += [
            self.level.eq(level),
            self.input.ready.eq(room),
            self.output.valid.eq(some),
            self.output.payload.eq(words[0]),
            push.eq(self.input.valid & self.input.ready),
            pop.eq(self.output.valid & self.output.ready),
        ]
        if not self.unary:
            m.d.sync += level.eq(level + push - pop)
        for i, word in enumerate(words):
            # Behind the last word held, a slot may take anything: it is overwritten before it is reached.
            source = (
                Mux(pop & above[i + 1], words[i + 1], self.input.payload)
                if i + 1 < self.depth
                else (self.input.payload)
            )
            with m.If(pop | others[i]):
                m.d.sync += word.eq(source)
        return m


class CreditedOutput(wiring.Component):
    """The end of a pipeline that can't stop: a queue, and the count of the words it still has room for.

    A word may be begun only while :attr:`grant` is high; its place is then reserved (:attr:`begin`), so that the
    pipeline needs neither a stall input nor its fan-out. Latency from push to output = 1. Storage: ``depth * width``
    registers.

    Parameters
    ----------
    width, depth : int
        Bits a word; words it holds. A credit spent on a word is back ``latency + 1`` cycles after it was begun, so with
        one word every ``interval`` cycles ``ceil((latency + 1) / interval)`` never slow the pipeline down.
    unary : bool
        Whether it counts in unary, twice ``depth`` registers, so that no carry chain is in its control.

    Members
    -------
    grant : Out(1)
        Whether a word may be begun in this cycle.
    begin : In(1)
        A word is begun in this cycle; only while ``grant``.
    push : In(1), payload : In(width)
        A word that was begun arrives.
    output : stream of ``unsigned(width)``
    """

    clocked = True

    def __init__(self, width: int, depth: int, *, unary: bool = False) -> None:
        self.width = width
        self.depth = depth
        self.unary = unary
        super().__init__(
            {
                "grant": Out(1),
                "begin": In(1),
                "push": In(1),
                "payload": In(width),
                "output": Out(stream.Signature(unsigned(width))),
            }
        )

    @property
    def module_name(self) -> str:
        return f"bnnhw_credited_{self.width}x{self.depth}{'_unary' * self.unary}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        fifo = Fifo(self.width, self.depth, unary=self.unary)
        m.submodules.fifo = shared(platform, fifo)
        # One bit of its own, so that nothing but a register stands before the issue logic.
        grant = Signal(init=1)
        returned = Signal()
        m.d.comb += [
            self.grant.eq(grant),
            fifo.input.valid.eq(self.push),
            fifo.input.payload.eq(self.payload),
            self.output.valid.eq(fifo.output.valid),
            self.output.payload.eq(fifo.output.payload),
            fifo.output.ready.eq(self.output.ready),
            returned.eq(fifo.output.valid & self.output.ready),
        ]
        if self.unary:
            free = Signal(self.depth, init=(1 << self.depth) - 1)
            _unary(m, free, returned, self.begin)
            m.d.comb += grant.eq(free[0])
            return m
        places = Signal(range(self.depth + 1), init=self.depth)
        m.d.sync += [
            places.eq(places + returned - self.begin),
            grant.eq(stays_positive(places, returned, self.begin)),
        ]
        return m
