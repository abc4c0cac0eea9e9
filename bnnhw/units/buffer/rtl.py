"""A queue of any depth between two streams."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.devices import ram_attributes
from bnnhw.rtl.emit import shared
from bnnhw.rtl.fifo import Fifo, stays_positive
from bnnhw.rtl.registers import successor
from bnnhw.units.buffer.model import BufferUnit

__all__ = ["StreamBuffer"]


class StreamBuffer(wiring.Component):
    """A first-in first-out queue of any depth, in the memory that suits it.

    With ``t`` of :class:`~bnnhw.units.buffer.model.BufferTiming`:

    - Input, output: words of the stream.
    - II = 1; 2 at depth 1. Latency = ``t.delay``: 2 cycles through a memory, 1 at depths 1 and 2, which are registers.
      The word at the head is offered without being asked for.
    - Stalls: accepts until it holds ``depth`` words; a place is free again in the cycle after its word has left it.
    - Storage: a register for the head, and a memory of ``depth - 1`` words in registers, LUT RAM or block RAM
      (:attr:`~bnnhw.units.buffer.model.BufferUnit.style`).

    Parameters
    ----------
    model : BufferUnit

    Members
    -------
    input, output : streams of ``unsigned(model.format.width)``
    """

    clocked = True

    def __init__(self, model: BufferUnit) -> None:
        self.model = model
        signature = stream.Signature(unsigned(model.format.width))
        super().__init__({"input": In(signature), "output": Out(signature)})

    @property
    def module_name(self) -> str:
        style = self._attributes.get("ram_style", "any")
        return f"bnnhw_buffer_{self.model.format.width}x{self.model.depth}_{style}"

    @property
    def _attributes(self) -> dict[str, str]:
        return ram_attributes(self.model.style, self.model.technology)

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        width, timing = self.model.format.width, self.model.timing
        if not timing.in_memory:
            unit = Fifo(width, self.model.depth)
            m.submodules.fifo = shared(platform, unit)
            wiring.connect(m, wiring.flipped(self.input), unit.input)
            wiring.connect(m, unit.output, wiring.flipped(self.output))
            return m
        size = timing.buffer_words
        words = memory.Memory(shape=unsigned(width), depth=size, init=[], attrs=self._attributes)
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
            m.d.sync += write_address.eq(successor(write_address, size))
        with m.If(move):
            m.d.sync += read_address.eq(successor(read_address, size))
        return m
