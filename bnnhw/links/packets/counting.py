"""What a board does that has frames of its own: it runs them at the accelerator's own rate, and counts."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring

from bnnhw.links.link import FrameAccelerator
from bnnhw.links.packets.packet import COUNT_FORMAT, COUNTS_FORMAT, PacketType
from bnnhw.links.packets.service import service_signature
from bnnhw.links.store.contents import StoredFrames
from bnnhw.links.store.counters import Countdown, SplitCounter
from bnnhw.links.store.gateware import Feed, RoundRom

__all__ = ["CountService"]

_COUNT_BITS = 8 * COUNT_FORMAT[0]


class CountService(wiring.Component):
    """Frames from a store through the accelerator, as many as a packet asks for, round and round.

    The accelerator never waits for a frame, and nothing waits behind it: what is counted is its own rate.

    Input words: how many frames, written byte by byte; 0 stands for ``2**24``. Output words: that number, wrong
    classes, classes other than the reference's, and the cycles from the first word accepted to the last result
    offered: ``latency + (frames - 1) * II`` of an accelerator that is steady from its first frame on. II and latency:
    that many, and a few before and behind. Stalls: a number that begins while frames are under way is not taken, and
    ``overrun`` says so. Storage: the frames and their classes in block RAM; the number, what is left of it at both
    ends, what is counted.

    Parameters
    ----------
    accelerator : FrameAccelerator
        Becomes a submodule.
    store : StoredFrames

    Members
    -------
    Those of :func:`~bnnhw.links.packets.service.service_signature`.
    """

    request = PacketType.COUNT
    answer = PacketType.COUNTS
    request_bytes = sum(COUNT_FORMAT)
    answer_bytes = sum(COUNTS_FORMAT)

    def __init__(self, accelerator: FrameAccelerator, store: StoredFrames) -> None:
        self._accelerator = accelerator
        self._store = store
        if (store.width, store.frame_words) != (
            accelerator.input_width,
            -(-accelerator.frame_bits // accelerator.input_width),
        ):
            raise ValueError(f"frames must be in words of {accelerator.input_width} bits, not {store.width}")
        super().__init__(service_signature(self.answer_bytes))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = self._accelerator
        m.submodules.feed = feed = Feed(self._store, _COUNT_BITS)
        m.submodules.left = left = Countdown(_COUNT_BITS)
        m.submodules.wrong = wrong = SplitCounter(8 * COUNTS_FORMAT[1])
        m.submodules.different = different = SplitCounter(8 * COUNTS_FORMAT[2])
        m.submodules.cycles = cycles = SplitCounter(8 * COUNTS_FORMAT[3])

        # The number asked for, and whether it may be used once its packet is known to be good.
        asked, claimed, busy, start = Signal(_COUNT_BITS), Signal(), Signal(), Signal()
        begins = Signal()
        m.d.comb += [
            begins.eq(self.write & (self.index == 0)),
            self.overrun.eq(~claimed),
            start.eq(self.commit & claimed),
        ]
        with m.If(begins):
            m.d.sync += claimed.eq(~busy)
        with m.If(self.write & ~busy):
            for place in range(self.request_bytes):
                with m.If(self.index == place):
                    m.d.sync += asked.word_select(place, 8).eq(self.data)
        with m.If(start):
            m.d.sync += [busy.eq(1), claimed.eq(0)]
        m.d.comb += [feed.start.eq(start), feed.count.eq(asked), left.load.eq(start), left.value.eq(asked)]
        m.d.comb += [counter.clear.eq(start) for counter in (wrong, different, cycles)]
        wiring.connect(m, feed.output, accelerator.input)

        # A result and the classes due in registers, then whether they differ; both ends of a run in the same cycle.
        result = accelerator.output
        m.submodules.due = due = RoundRom(self._store.classes)
        valid, index, classes = Signal(), Signal.like(result.payload.index), Signal.like(due.data)
        m.d.comb += [result.ready.eq(1), due.restart.eq(start), due.step.eq(result.valid)]
        m.d.sync += [valid.eq(result.valid), index.eq(result.payload.index), classes.eq(due.data)]
        bits = self._store.class_bits
        reference, label = classes[:bits], classes[-bits:]
        m.d.sync += [
            different.step.eq(valid & (index != reference)),
            wrong.step.eq(valid & (index != label) if self._store.labels is not None else Const(0)),
        ]

        begun, counting, ended = Signal(), Signal(), Signal()
        prelude = Signal(2)
        m.d.sync += prelude.eq(Cat(start, prelude))
        m.d.comb += [
            # One result less is left once the first is on its way.
            left.step.eq(prelude[1] | valid),
            ended.eq(valid & left.zero),
            cycles.step.eq(counting),
        ]
        with m.If(feed.output.valid & feed.output.ready):
            m.d.sync += begun.eq(1)
        m.d.sync += counting.eq(begun)
        with m.If(ended):
            m.d.sync += [begun.eq(0), counting.eq(0)]

        # The answer, once all counts are right.
        settle = Signal(cycles.settling + 2)
        answer = Signal()
        m.d.sync += settle.eq(Cat(ended, settle))
        m.d.comb += [
            self.reply.valid.eq(answer),
            self.reply.payload.eq(Cat(asked, wrong.value, different.value, cycles.value)),
        ]
        with m.If(settle[-1]):
            m.d.sync += answer.eq(1)
        with m.Elif(self.reply.ready):
            m.d.sync += answer.eq(0)
            with m.If(answer):
                m.d.sync += busy.eq(0)
        return m
