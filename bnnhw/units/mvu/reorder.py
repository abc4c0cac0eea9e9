"""The output of a matrix-vector unit in which several vectors share a weight word: results in their vectors' order."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.devices import Technology, buffer_style, ram_attributes
from bnnhw.rtl.emit import shared
from bnnhw.rtl.fifo import CreditedOutput, stays_positive
from bnnhw.rtl.registers import delayed, reaches_end, successor
from bnnhw.units.mvu.batch_timing import BEHIND, BatchTiming

__all__ = ["Reorder"]


class Reorder(wiring.Component):
    """A queue for each lane, and the words of lane 0's vector, lane 1's vector and so on at the output, over and over.

    II = 1 word per cycle. Latency from push to output = 4. A word may be begun only while :attr:`grant` is high, its
    place being reserved then, as of :class:`~bnnhw.rtl.fifo.CreditedOutput`. One of these follows: a word that is read
    waits in a register before it, since block RAM is slow and lies afar, and ``output.ready`` does not reach the
    queues. Storage: ``credits`` words for each lane, one, and :data:`BEHIND`.

    Parameters
    ----------
    timing : BatchTiming
    width : int
        Bits a word.
    technology : Technology
        Where the queues live.

    Members
    -------
    grant : Out(1)
        Whether words may be begun in this cycle: every lane has a place.
    begin : In(M)
        The lanes whose words are begun in this cycle; only while ``grant``.
    push : In(M), payload : In(M * width)
        Words that were begun arrive.
    output : stream of ``unsigned(width)``
    """

    def __init__(self, timing: BatchTiming, width: int, technology: Technology) -> None:
        self._timing = timing
        self._technology = technology
        self._width = width
        lanes = timing.vectors
        super().__init__(
            {
                "grant": Out(1),
                "begin": In(lanes),
                "push": In(lanes),
                "payload": In(lanes * width),
                "output": Out(stream.Signature(unsigned(width))),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p, width, size = self._timing, self._width, self._timing.credits
        attributes = ram_attributes(buffer_style(size, width, self._technology), self._technology)
        out = CreditedOutput(width, BEHIND)
        m.submodules.output = shared(platform, out)
        wiring.connect(m, out.output, wiring.flipped(self.output))
        # The lane whose word is read next; at its end the vector's last word is.
        turn, fold, at_end = Signal(p.vectors, init=1), Signal(range(p.neuron_folds)), Signal(init=p.neuron_folds == 1)
        move, shown = Signal(), Signal(p.vectors)
        theres, rooms, heads = Signal(p.vectors), Signal(p.vectors, init=-1), []
        for n in range(p.vectors):
            words = memory.Memory(shape=unsigned(width), depth=size, init=[], attrs=attributes)
            m.submodules[f"words_{n}"] = words
            write, read = words.write_port(), words.read_port()
            stored, places = (
                Signal(range(size + 1), name=f"stored_{n}"),
                Signal(range(size + 1), init=size, name=f"places_{n}"),
            )
            write_address = Signal(range(size), name=f"write_address_{n}")
            read_address = Signal(range(size), name=f"read_address_{n}")
            moves = Signal(name=f"moves_{n}")
            m.d.comb += [
                moves.eq(move & turn[n]),
                write.addr.eq(write_address),
                write.en.eq(self.push[n]),
                write.data.eq(self.payload[n * width : (n + 1) * width]),
                read.addr.eq(read_address),
            ]
            m.d.sync += [
                stored.eq(stored + self.push[n] - moves),
                theres[n].eq(stays_positive(stored, self.push[n], moves)),
                places.eq(places + moves - self.begin[n]),
                rooms[n].eq(stays_positive(places, moves, self.begin[n])),
            ]
            with m.If(self.push[n]):
                m.d.sync += write_address.eq(successor(write_address, size))
            with m.If(moves):
                m.d.sync += read_address.eq(successor(read_address, size))
            heads.append(Value.cast(read.data) & shown[n].replicate(width))
        payload = heads[0]
        for other in heads[1:]:
            payload = payload | other
        m.d.comb += [
            self.grant.eq(rooms.all()),
            move.eq(out.grant & (theres & turn).any()),
            out.begin.eq(move),
            out.push.eq(delayed(m, move, 2, "push")),
            out.payload.eq(delayed(m, payload, 1, "payload", reset_less=True)),
        ]
        m.d.sync += shown.eq(turn)
        with m.If(move):
            m.d.sync += [
                fold.eq(successor(fold, p.neuron_folds)),
                at_end.eq(reaches_end(fold, at_end, p.neuron_folds)),
            ]
            with m.If(at_end):
                m.d.sync += turn.eq(Cat(turn[-1], turn[:-1]))
        return m
