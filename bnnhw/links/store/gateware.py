"""Frames from block RAM, and the classes that are due of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from bnnhw.devices import family
from bnnhw.links.store.contents import StoredFrames
from bnnhw.links.store.counters import Countdown
from bnnhw.rtl.emit import EmitPlatform
from bnnhw.rtl.rom import Rom

__all__ = ["Feed", "RoundRom"]


class RoundRom(wiring.Component):
    """Rows of a read-only memory, one after another and round again, without a bubble.

    Output word: a row. II = 1. Latency: the first row is there ``1 + registered`` cycles after ``restart``; with
    ``registered``, :class:`Feed` or whoever reads it takes one more step before. Stalls: a row stays until ``step``.
    Storage: the rows in block RAM, two addresses.

    The address of the row that comes is ready before it is known whether it comes: ``step`` decides between two
    registers.

    Parameters
    ----------
    bits : uint8 array (rows, width)

    Members
    -------
    restart, step : In(1), In(1)
        Strobes: the first row comes, the next one.
    data : Out(width)
    """

    def __init__(self, bits: NDArray[np.uint8]) -> None:
        self._bits = bits
        super().__init__({"restart": In(1), "step": In(1), "data": Out(bits.shape[1])})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows, width = self._bits.shape
        if not width:
            return m
        m.submodules.rom = rom = Rom(self._bits, "block", registered=False)
        here, following = Signal(range(rows)), Signal(range(rows), init=1 % rows)
        m.d.comb += [
            rom.address.eq(Mux(self.restart, 0, Mux(self.step, following, here))),
            self.data.eq(rom.data),
        ]
        m.d.sync += here.eq(rom.address)
        with m.If(self.restart):
            m.d.sync += following.eq(1 % rows)
        with m.Elif(self.step):
            m.d.sync += following.eq(Mux(following == rows - 1, 0, following + 1))
        return m


class Feed(wiring.Component):
    """So many frames of the store to an accelerator, from the first one on, and round again.

    Output words: those of the frames. II: 1 per word. Latency: the first word is offered ``PRELUDE + 1`` cycles
    after ``start``. Stalls: a word stays until it is taken. Storage: the frames in block RAM; where words read from
    there pass a register (:attr:`~bnnhw.devices.Technology.block_register`), a word.

    Parameters
    ----------
    store : StoredFrames
    count_bits : int

    Members
    -------
    start, count : In(1), In(count_bits)
        Strobe: so many frames; 0 stands for ``2 ** count_bits``. Not while frames are left.
    output : Out(stream of unsigned(width))
    done : Out(1)
        Strobe: the last word is taken in this cycle.
    """

    PRELUDE = 2 + Countdown.SETTLING

    def __init__(self, store: StoredFrames, count_bits: int) -> None:
        self._store = store
        super().__init__(
            {
                "start": In(1),
                "count": In(count_bits),
                "output": Out(stream.Signature(unsigned(store.width))),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        store = self._store
        device = family(platform.technology if isinstance(platform, EmitPlatform) else "generic")
        m.submodules.rom = rom = RoundRom(store.words)
        m.submodules.left = left = Countdown(len(self.count))
        prelude = Signal(self.PRELUDE)
        word: Any = rom.data
        taken, primed = Signal(), Signal()
        m.d.sync += prelude.eq(Cat(self.start, prelude))
        m.d.comb += [
            rom.restart.eq(self.start),
            left.load.eq(self.start),
            left.value.eq(self.count),
            taken.eq(self.output.valid & self.output.ready),
            rom.step.eq(taken | primed),
        ]
        if device.technology.block_register and store.kept:
            register = Signal.like(rom.data, name="word", reset_less=True)
            with m.If(rom.step):
                m.d.sync += register.eq(rom.data)
            m.d.comb += primed.eq(prelude[2])
            word = register
        kept = {bit: place for place, bit in enumerate(store.kept)}
        zero: Value = Const(0, 1)
        m.d.comb += self.output.payload.eq(
            Cat(*(word[kept[bit]] if bit in kept else zero for bit in range(store.width)))
        )

        last: Value = Const(1)
        if store.frame_words > 1:
            number, last = Signal(range(store.frame_words)), Signal()
            m.d.comb += last.eq(number == store.frame_words - 1)
            with m.If(taken):
                m.d.sync += number.eq(Mux(last, 0, number + 1))
        valid = Signal()
        m.d.comb += [
            self.output.valid.eq(valid),
            # One frame less is left once the first is on its way.
            left.step.eq(prelude[1] | (taken & last)),
            self.done.eq(taken & last & left.zero),
        ]
        with m.If(prelude[-1]):
            m.d.sync += valid.eq(1)
        with m.Elif(self.done):
            m.d.sync += valid.eq(0)
        return m
