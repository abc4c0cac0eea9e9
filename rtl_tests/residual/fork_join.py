"""A residual connection around the simplest body that can deadlock it: what proofs and benches run."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Elaboratable, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.dataflow.flow import Link, Run, together
from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.word_timing import WireTiming
from bnnhw.devices import technology
from bnnhw.ir import DataType
from bnnhw.rtl.emit import shared
from bnnhw.units.add.model import AddTiming, AddUnit
from bnnhw.units.add.rtl import Add
from bnnhw.units.buffer.model import BufferTiming, BufferUnit
from bnnhw.units.buffer.rtl import StreamBuffer
from bnnhw.units.fork.model import ForkUnit
from bnnhw.units.fork.rtl import Fork

__all__ = ["ForkJoin", "Swallower", "fork_join", "swallow"]


class Swallower(wiring.Component):
    """Stands for the body of a residual connection: gives words as they came, but each only once ``swallowed`` more of
    its frame have entered, or all of it. It begins the next frame when it has given the one before.

    Parameters
    ----------
    width : int
        Bits a word.
    swallowed : int
    words : int
        Words a frame.
    """

    def __init__(self, width: int, swallowed: int, words: int) -> None:
        self.width, self.swallowed, self.words = width, swallowed, words
        signature = stream.Signature(unsigned(width))
        super().__init__({"input": In(signature), "output": Out(signature)})

    @staticmethod
    def needed(swallowed: int, words: int) -> list[int]:
        """For each word of a frame that leaves, how many must have entered."""
        return [min(word + swallowed + 1, words) for word in range(words)]

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        places = self.swallowed + 1
        held = [Signal(self.width, name=f"held_{i}") for i in range(places)]
        level, entered = Signal(range(places + 1)), Signal(range(self.words + 1))
        accept, take, whole = Signal(), Signal(), Signal()
        m.d.comb += [
            whole.eq(entered == self.words),
            self.input.ready.eq((level != places) & ~whole),
            accept.eq(self.input.valid & self.input.ready),
            self.output.valid.eq((level == places) | (whole & (level != 0))),
            self.output.payload.eq(held[0]),
            take.eq(self.output.valid & self.output.ready),
        ]
        with m.If(take):
            m.d.sync += [a.eq(b) for a, b in zip(held, held[1:], strict=False)]
        with m.Switch(level - take):
            for i, place in enumerate(held):
                with m.Case(i), m.If(accept):
                    m.d.sync += place.eq(self.input.payload)
        m.d.sync += [level.eq(level + accept - take), entered.eq(entered + accept)]
        with m.If(take & whole & (level == 1)):
            m.d.sync += entered.eq(0)
        return m


def swallow(swallowed: int, words: int, source: Link, sink: Link, frames: int) -> Run:
    """When the words of a :class:`Swallower` move."""
    needed = Swallower.needed(swallowed, words)
    entered: list[int] = []

    def enter() -> Run:
        for word in range(frames * words):
            ready = 0
            # A place for it, and nothing left of the frame before.
            for place in (word - swallowed - 1, word // words * words - 1):
                if place >= 0:
                    ready = max(ready, (yield from sink.taken_at(place)) + 1)
            entered.append((yield from source.take(ready)))

    def leave() -> Run:
        after = 0
        for word in range(frames * words):
            frame, place = divmod(word, words)
            last = frame * words + needed[place] - 1
            while len(entered) <= last:
                yield
            sink.offer(max(entered[last] + 1, after))
            after = (yield from sink.taken_at(word)) + 1

    return together(enter(), leave())


class ForkJoin(wiring.Component):
    """:class:`~bnnhw.units.fork.rtl.Fork`, a body beside a :class:`~bnnhw.units.buffer.rtl.StreamBuffer`,
    :class:`~bnnhw.units.add.rtl.Add`: every word is added to itself.

    Parameters
    ----------
    width, swallowed, words : int
        Of the body (:class:`Swallower`).
    depth : int
        Of the queue.

    Members
    -------
    input : stream of ``unsigned(width)``
    output : stream of ``unsigned(width + 1)``
    fork_waits : Out(1)
        The queue keeps the fork waiting.
    """

    def __init__(self, width: int, swallowed: int, words: int, depth: int) -> None:
        self.width, self.swallowed, self.words, self.depth = width, swallowed, words, depth
        self.links = [Link() for _ in range(4)]
        """From fork to body and queue, from these to the sum, as :meth:`flow` leaves them."""
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(width))),
                "output": Out(stream.Signature(unsigned(width + 1))),
                "fork_waits": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        dtype, words = DataType("uint", self.width), StreamFormat(1, self.width, 1, self.words)
        m.submodules.body = body = Swallower(self.width, self.swallowed, self.words)
        fork, add = Fork(ForkUnit(words)), Add(AddUnit(dtype, dtype, words))
        queue = StreamBuffer(BufferUnit(words, self.depth, technology("generic")))
        for name, unit in (("fork", fork), ("queue", queue), ("add", add)):
            m.submodules[name] = shared(platform, unit)
        wiring.connect(m, wiring.flipped(self.input), fork.input)
        wiring.connect(m, fork.first, body.input)
        wiring.connect(m, fork.second, queue.input)
        wiring.connect(m, body.output, add.first)
        wiring.connect(m, queue.output, add.second)
        wiring.connect(m, add.output, wiring.flipped(self.output))
        m.d.comb += self.fork_waits.eq(fork.second.valid & ~fork.second.ready)
        return m

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """When words move; the links between the units are :attr:`links`."""
        return fork_join(self.swallowed, self.words, self.depth, self.links, source, sink, frames)


def fork_join(
    swallowed: int, words: int, depth: int, links: Sequence[Link], source: Link, sink: Link, frames: int
) -> Run:
    """When the words of a :class:`ForkJoin` move.

    Parameters
    ----------
    links : sequence of four links
        From the fork to body and queue, from these to the sum.
    """
    body_in, queue_in, body_out, queue_out = links
    return together(
        WireTiming(words).flow(source, body_in, queue_in, frames=frames),
        swallow(swallowed, words, body_in, body_out, frames),
        BufferTiming(words, depth).flow(queue_in, queue_out, frames),
        AddTiming(words).flow(body_out, queue_out, sink, frames),
    )
