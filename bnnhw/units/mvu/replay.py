"""The replay buffer of a matrix-vector unit: every word of a vector, as often as its neurons need it."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.devices import Technology, buffer_style, ram_attributes
from bnnhw.rtl.fifo import stays_positive
from bnnhw.rtl.registers import reaches_end, successor
from bnnhw.units.mvu.timing import MvuTiming

__all__ = ["Replay"]


class Replay(wiring.Component):
    """Holds two vectors of SF words; issues those of the older one ``passes`` times over, while the next is written.

    II = SF * passes cycles per vector. Latency: a word may be issued in the cycle after it was accepted. Stalls: a word
    is issued for the first time when it is there, the last word of each neuron fold when :attr:`grant` is high;
    nothing else waits. A word is accepted until the buffer is full. Storage: ``buffer_words`` words.

    Parameters
    ----------
    timing : MvuTiming
    width : int
        Bits a word.
    technology : Technology
        Where the buffer lives.

    Members
    -------
    input : stream of ``unsigned(width)``
    position : Out(range(SF))
        Of the word at the input in its vector.
    grant : In(1)
        A neuron fold may end in this cycle.
    issue, ends, last : Out(1)
        A word is issued; it ends a pass; it ends a neuron fold.
    address : Out(range(SF * NF))
        Of its weights.
    plane : Out(range(serial))
        Of bit-serial planes, the one to be taken of it; the highest comes first.
    word : Out(width)
        What was issued in the cycle before.
    """

    def __init__(self, timing: MvuTiming, width: int, technology: Technology) -> None:
        self._timing = timing
        self._technology = technology
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(width))),
                "position": Out(range(timing.synapse_folds)),
                "grant": In(1),
                "issue": Out(1),
                "ends": Out(1),
                "last": Out(1),
                "address": Out(range(timing.weight_words)),
                "plane": Out(range(timing.serial), init=timing.serial - 1),
                "word": Out(width),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = self._timing
        sf, passes, size = p.synapse_folds, p.passes, p.buffer_words
        width = len(self.input.payload)
        style = buffer_style(size, width, self._technology)
        buffer = memory.Memory(
            shape=unsigned(width), depth=size, init=[], attrs=ram_attributes(style, self._technology)
        )
        m.submodules.buffer = buffer
        write, read = buffer.write_port(), buffer.read_port()

        free = Signal(range(size + 1), init=size)
        fresh = Signal(range(size + 1))  # Words written and not yet issued for the first time.
        write_address = Signal(range(size))
        read_address, vector_start = Signal(range(size)), Signal(range(size))
        synapse, reading = Signal(range(sf)), Signal(range(passes))
        fold_start = Signal(range(p.weight_words))
        # Registers of their own for "a word fits" and "a word is there": the counters' comparisons take too long.
        fits, there = Signal(init=1), Signal()
        accept = Signal()
        # What the counters stand at, known from the cycle before: whether a word is issued is then one look-up table.
        first_pass, last_pass = Signal(init=1), Signal(init=passes == 1)
        at_end, lowest = Signal(init=sf == 1), Signal(init=p.serial == 1)
        m.d.comb += [
            self.input.ready.eq(fits),
            accept.eq(self.input.valid & self.input.ready),
            self.issue.eq((~first_pass | there) & (~(at_end & lowest) | self.grant)),
            self.ends.eq(self.issue & at_end),
            self.last.eq(self.ends & lowest),
            write.addr.eq(write_address),
            write.en.eq(accept),
            write.data.eq(self.input.payload),
            read.addr.eq(read_address),
            self.word.eq(read.data),
        ]
        freed, begun = self.issue & last_pass, self.issue & first_pass
        m.d.sync += [
            free.eq(free + freed - accept),
            fits.eq(stays_positive(free, freed, accept)),
            fresh.eq(fresh + accept - begun),
            there.eq(stays_positive(fresh, accept, begun)),
        ]
        with m.If(accept):
            m.d.sync += [
                write_address.eq(successor(write_address, size)),
                self.position.eq(successor(self.position, sf)),
            ]
        with m.If(self.issue):
            m.d.sync += [
                self.address.eq(Mux(at_end & ~lowest, fold_start, successor(self.address, p.weight_words))),
                synapse.eq(successor(synapse, sf)),
                at_end.eq(reaches_end(synapse, at_end, sf)),
                read_address.eq(Mux(at_end & ~last_pass, vector_start, successor(read_address, size))),
            ]
        with m.If(self.ends):
            m.d.sync += [
                reading.eq(successor(reading, passes)),
                first_pass.eq(last_pass),
                last_pass.eq(reaches_end(reading, last_pass, passes)),
            ]
            if p.serial > 1:
                m.d.sync += [self.plane.eq(Mux(lowest, p.serial - 1, self.plane - 1)), lowest.eq(self.plane == 1)]
            with m.If(last_pass):
                m.d.sync += vector_start.eq(successor(read_address, size))
        with m.If(self.last):
            m.d.sync += fold_start.eq(successor(self.address, p.weight_words))
        return m
