"""Fork, join, and the queue that lets one branch run ahead of the other."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.devices import Technology
from bnnhw.folding.residual import BufferPipeline
from bnnhw.hardware.emit import shared
from bnnhw.hardware.fifo import Fifo, stays_positive
from bnnhw.ir import DataType

__all__ = ["Add", "Fork", "StreamBuffer", "element_value"]


def element_value(code: Value, dtype: DataType) -> Value:
    """The number that a code stands for: a bipolar 0 is -1."""
    if dtype.kind == "bipolar":
        return Cat(Const(1, 1), ~code[0]).as_signed()
    return code.as_signed() if dtype.kind == "int" else code


class Fork(wiring.Component):
    """Gives every word to two branches, each of which takes it when it likes.

    - Input, first, second: words of ``width`` bits.
    - II = 1 where both branches are ready. Latency = 0: a word is offered to both while it is offered to the fork.
    - Stalls: a word is accepted when the later branch takes it; the other one does not see it a second time. Offers
      depend on the input's offer and a register, never on a branch's readiness.
    - Storage: a bit a branch.

    Parameters
    ----------
    width : int
        Bits a word.

    Members
    -------
    input : stream of ``unsigned(width)``
    first, second : streams of ``unsigned(width)``
        Outputs.
    """

    clocked = True

    def __init__(self, width: int) -> None:
        self.width = width
        signature = stream.Signature(unsigned(width))
        super().__init__({"input": In(signature), "first": Out(signature), "second": Out(signature)})

    @property
    def module_name(self) -> str:
        return f"bnnhw_fork_{self.width}"

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


class Add(wiring.Component):
    """Adds two streams element by element.

    - Inputs: words of ``lanes`` elements, each stream of its own type.
    - Output: words of ``lanes`` sums. Bipolar elements add as -1 and +1.
    - II = 1. Latency = 1.
    - Stalls: both words of a pair are accepted in one cycle: once both are offered and the sum before is taken.
    - Storage: a word of sums.

    Parameters
    ----------
    one, other : DataType
    lanes : int
        Elements a word.

    Attributes
    ----------
    dtype : DataType
        Of the sums, as :attr:`bnnhw.ir.Residual.output`.

    Members
    -------
    first : stream of ``unsigned(lanes * one.bits)``
    second : stream of ``unsigned(lanes * other.bits)``
    output : stream of ``unsigned(lanes * dtype.bits)``
    """

    clocked = True

    def __init__(self, one: DataType, other: DataType, lanes: int) -> None:
        if lanes < 1:
            raise ValueError(f"lanes must be positive, not {lanes}")
        self.one, self.other, self.lanes = one, other, lanes
        self.dtype = DataType.holding(one.minimum + other.minimum, one.maximum + other.maximum)
        super().__init__(
            {
                "first": In(stream.Signature(unsigned(lanes * one.bits))),
                "second": In(stream.Signature(unsigned(lanes * other.bits))),
                "output": Out(stream.Signature(unsigned(lanes * self.dtype.bits))),
            }
        )

    @property
    def module_name(self) -> str:
        return f"bnnhw_add_{self.one}_{self.other}_{self.lanes}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        valid, room = Signal(), Signal()
        held = Signal(len(self.output.payload), reset_less=True)
        m.d.comb += [
            room.eq(~valid | self.output.ready),
            self.first.ready.eq(self.second.valid & room),
            self.second.ready.eq(self.first.valid & room),
            self.output.valid.eq(valid),
            self.output.payload.eq(held),
        ]
        sums: list[Value] = []
        for lane in range(self.lanes):
            a = element_value(self.first.payload.word_select(lane, self.one.bits), self.one)
            b = element_value(self.second.payload.word_select(lane, self.other.bits), self.other)
            sums.append((a + b)[: self.dtype.bits])
        with m.If(room):
            m.d.sync += [valid.eq(self.first.valid & self.second.valid), held.eq(Cat(*sums))]
        return m


class StreamBuffer(wiring.Component):
    """A first-in first-out queue of any depth, in the memory that suits it.

    With ``p`` of :class:`~bnnhw.folding.residual.BufferPipeline`:

    - Input, output: words of ``width`` bits.
    - II = 1; 2 at depth 1. Latency = ``p.delay``: 2 cycles through a memory, 1 at depths 1 and 2, which are registers.
      The word at the head is offered without being asked for.
    - Stalls: accepts until it holds ``depth`` words; a place is free again in the cycle after its word has left it.
    - Storage: a register for the head, and a memory of ``depth - 1`` words in registers, LUT RAM or block RAM
      (:meth:`~bnnhw.folding.residual.BufferPipeline.buffer_style`).

    Parameters
    ----------
    width, depth : int
        Bits a word; words it holds.
    technology : Technology

    Members
    -------
    input, output : streams of ``unsigned(width)``
    """

    clocked = True

    def __init__(self, width: int, depth: int, technology: Technology) -> None:
        if depth < 1:
            raise ValueError(f"depth must be positive, not {depth}")
        self.width = width
        self.depth = depth
        self.pipeline = BufferPipeline(1, width, depth)
        self.style = self.pipeline.buffer_style(technology)
        super().__init__(
            {"input": In(stream.Signature(unsigned(width))), "output": Out(stream.Signature(unsigned(width)))}
        )

    @property
    def module_name(self) -> str:
        return f"bnnhw_buffer_{self.width}x{self.depth}_{self.style}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        if not self.pipeline.in_memory:
            unit = Fifo(self.width, self.depth)
            m.submodules.fifo = shared(platform, unit)
            wiring.connect(m, wiring.flipped(self.input), unit.input)
            wiring.connect(m, unit.output, wiring.flipped(self.output))
            return m
        size = self.pipeline.buffer_words
        words = memory.Memory(shape=unsigned(self.width), depth=size, init=[], attrs={"ram_style": self.style})
        m.submodules.words = words
        write, read = words.write_port(), words.read_port()
        # Words in the memory and free places there; a register of its own for whether there are any.
        stored, free = Signal(range(size + 1)), Signal(range(size + 1), init=size)
        there, fits = Signal(), Signal(init=1)
        write_address, read_address = Signal(range(size)), Signal(range(size))
        head, accept, open_, move = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            self.input.ready.eq(fits),
            accept.eq(self.input.valid & fits),
            write.addr.eq(write_address),
            write.en.eq(accept),
            write.data.eq(self.input.payload),
            # The memory's output register is the queue's head.
            open_.eq(~head | self.output.ready),
            move.eq(open_ & there),
            read.addr.eq(read_address),
            read.en.eq(move),
            self.output.valid.eq(head),
            self.output.payload.eq(read.data),
        ]
        m.d.sync += [
            stored.eq(stored + accept - move),
            there.eq(stays_positive(stored, accept, move)),
            free.eq(free + move - accept),
            fits.eq(stays_positive(free, move, accept)),
        ]
        with m.If(open_):
            m.d.sync += head.eq(there)
        with m.If(accept):
            m.d.sync += write_address.eq(_successor(write_address, size))
        with m.If(move):
            m.d.sync += read_address.eq(_successor(read_address, size))
        return m


def _successor(counter: Signal, size: int) -> Value:
    """The next value of a counter that runs over ``0 .. size - 1``."""
    if size & (size - 1) == 0:
        return (counter + 1)[: len(counter)]
    return Mux(counter == size - 1, 0, counter + 1)
