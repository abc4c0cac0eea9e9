"""The contracts of fork, join and the queue between them, and of all three around a body: they never wait for ever."""

from __future__ import annotations

from amaranth.hdl import Const, Elaboratable, Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.hardware.residual import Add, Fork, StreamBuffer
from bnnhw.rtl.emit import shared
from bnnhw.verify.fork_join import ForkJoin
from bnnhw.verify.formal_contract import Contract, FrameWatch, Rules, stays, waits
from bnnhw.verify.formal_pool import number

__all__ = ["AddContract", "BufferContract", "ForkContract", "ForkJoinContract"]


class _Producer(wiring.Component):
    """The environment in front of a unit without registers: any stream that keeps the rules.

    Loads a word whenever it may and :attr:`start` is high, and shows it until it is accepted.
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            {"start": In(1), "payload": In(width), "loads": Out(1), "output": Out(stream.Signature(unsigned(width)))}
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        room = Signal()
        m.d.comb += [room.eq(~self.output.valid | self.output.ready), self.loads.eq(self.start & room)]
        with m.If(room):
            m.d.sync += [self.output.valid.eq(self.start), self.output.payload.eq(self.payload)]
        return m


def _followed(m: Module, watch: FrameWatch, entering: Value, name: str) -> Signal:
    """The word that is followed."""
    word = Signal(len(entering), name=name)
    with m.If(watch.capturing):
        m.d.sync += word.eq(entering)
    return word


class ForkContract(Contract):
    """Of :class:`~bnnhw.hardware.residual.Fork`, behind a producer that keeps the rules.

    - ``stable``: a word offered to a branch holds until it is taken.
    - ``order``: each branch gets every word, in its turn and as it was.
    - ``count``: no branch gets a word twice.
    - ``offer``: a word is offered to a branch while it has not taken it, whatever the other does.
    - ``accept``: a word is accepted in the cycle in which both have taken it.
    """

    properties = ("stable", "order", "count", "offer", "accept")
    covers = ("first ahead", "second ahead", "together")

    def __init__(self, unit: Fork) -> None:
        self._unit = unit
        super().__init__({"start": 1, "payload": unit.width, "first_ready": 1, "second_ready": 1, "pick": 1})

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        unit = self._unit
        m.submodules.unit = shared(platform, unit)
        m.submodules.producer = producer = _Producer(unit.width)
        wiring.connect(m, producer.output, unit.input)
        m.d.comb += [producer.start.eq(self.start), producer.payload.eq(self.payload)]
        stable: Value = Const(1)
        order: Value = Const(1)
        count: Value = Const(1)
        offer: Value = Const(1)
        finished: list[Value] = []
        missing: list[Value] = []
        for name, branch, ready in (
            ("first", unit.first, self.first_ready),
            ("second", unit.second, self.second_ready),
        ):
            watch = FrameWatch(1, 1, 1)
            m.submodules[name] = watch
            m.d.comb += [
                branch.ready.eq(ready),
                watch.enter.eq(producer.loads),
                watch.leave.eq(branch.valid & ready),
                watch.pick.eq(self.pick),
            ]
            held = Module()
            m.submodules[f"{name}_held"] = held
            stable = stable & stays(held, branch.valid, ready, branch.payload)
            word = _followed(m, watch, self.payload, f"{name}_word")
            order = order & (~(watch.checking & watch.leave) | (branch.payload == word))
            count = count & watch.within
            offer = offer & (branch.valid == (watch.inside != 0))
            finished.append((watch.inside == 0) | watch.leave)
            missing.append(watch.inside != 0)
        both = finished[0] & finished[1]
        rules.check("stable", stable)
        rules.check("order", order)
        rules.check("count", count)
        rules.check("offer", offer)
        rules.check("accept", ~unit.input.valid | (unit.input.ready == both))
        rules.cover("first ahead", unit.input.valid & ~missing[0] & missing[1])
        rules.cover("second ahead", unit.input.valid & missing[0] & ~missing[1])
        rules.cover("together", producer.loads & unit.input.valid)


class AddContract(Contract):
    """Of :class:`~bnnhw.hardware.residual.Add`.

    - ``stable``: an offered sum holds until it is taken.
    - ``pair``: both words of a pair are accepted in the same cycle.
    - ``order``: every lane of every sum, in its turn, is that of its pair.
    - ``count``: no sum is invented, and at most one is held.
    - ``offer``: a sum is offered from the cycle after its pair was accepted.
    - ``accept``: a pair is accepted once both are offered and the sum before is being taken or gone.
    """

    properties = ("stable", "pair", "order", "count", "offer", "accept")
    covers = ("followed", "together")

    def __init__(self, unit: Add) -> None:
        self._unit = unit
        super().__init__(
            {
                "first_valid": 1,
                "first_payload": len(unit.first.payload),
                "second_valid": 1,
                "second_payload": len(unit.second.payload),
                "output_ready": 1,
                "pick": 1,
            }
        )

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        unit = self._unit
        m.submodules.unit = shared(platform, unit)
        m.submodules.watch = watch = FrameWatch(1, 1, 1)
        one, other = self.first_valid & unit.first.ready, self.second_valid & unit.second.ready
        m.d.comb += [
            unit.first.valid.eq(self.first_valid),
            unit.first.payload.eq(self.first_payload),
            unit.second.valid.eq(self.second_valid),
            unit.second.payload.eq(self.second_payload),
            unit.output.ready.eq(self.output_ready),
            watch.enter.eq(one),
            watch.leave.eq(unit.output.valid & unit.output.ready),
            watch.pick.eq(self.pick),
        ]
        first = _followed(m, watch, self.first_payload, "first_word")
        second = _followed(m, watch, self.second_payload, "second_word")
        right: Value = Const(1)
        for lane in range(unit.lanes):
            a = number(first.word_select(lane, unit.one.bits), unit.one)
            b = number(second.word_select(lane, unit.other.bits), unit.other)
            right = right & (number(unit.output.payload.word_select(lane, unit.dtype.bits), unit.dtype) == a + b)
        room = (watch.inside == 0) | self.output_ready

        rules.check("stable", stays(m, unit.output.valid, unit.output.ready, unit.output.payload))
        rules.check("pair", one == other)
        rules.check("order", ~(watch.checking & watch.leave) | right)
        rules.check("count", watch.within)
        rules.check("offer", unit.output.valid == (watch.inside != 0))
        rules.check("accept", one == (self.first_valid & self.second_valid & room))
        rules.cover("followed", watch.checking & watch.leave)
        rules.cover("together", watch.enter & watch.leave)


class BufferContract(Contract):
    """Of :class:`~bnnhw.hardware.residual.StreamBuffer` with a memory (without one it is a queue of registers).

    - ``stable``: an offered word holds until it is taken.
    - ``order``: every word comes out in its turn and as it went in.
    - ``count``: no word is invented, and never more than ``depth`` are held.
    - ``offer``: a word is offered whenever one is held that was accepted two cycles ago or before.
    - ``accept``: a word is accepted whenever the memory behind the head has room.
    """

    properties = ("stable", "order", "count", "offer", "accept")
    covers = ("full", "followed")

    def __init__(self, unit: StreamBuffer) -> None:
        if not unit.pipeline.in_memory:
            raise ValueError(f"depth must be at least 3, not {unit.depth}")
        self._unit = unit
        super().__init__({"input_valid": 1, "input_payload": unit.width, "output_ready": 1, "pick": 1})

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        unit = self._unit
        m.submodules.unit = shared(platform, unit)
        m.submodules.watch = watch = FrameWatch(1, 1, unit.depth)
        recent = Signal()
        m.d.comb += [
            unit.input.valid.eq(self.input_valid),
            unit.input.payload.eq(self.input_payload),
            unit.output.ready.eq(self.output_ready),
            watch.enter.eq(unit.input.valid & unit.input.ready),
            watch.leave.eq(unit.output.valid & unit.output.ready),
            watch.pick.eq(self.pick),
        ]
        m.d.sync += recent.eq(watch.enter)
        word = _followed(m, watch, self.input_payload, "followed_word")
        rules.check("stable", stays(m, unit.output.valid, unit.output.ready, unit.output.payload))
        rules.check("order", ~(watch.checking & watch.leave) | (unit.output.payload == word))
        rules.check("count", watch.within)
        rules.check("offer", unit.output.valid == (watch.inside != recent))
        rules.check("accept", unit.input.ready == (watch.inside - unit.output.valid != unit.depth - 1))
        rules.cover("full", watch.inside == unit.depth)
        rules.cover("followed", watch.checking & watch.leave)


class ForkJoinContract(Contract):
    """Of a residual connection: :class:`~bnnhw.hardware.residual.Fork`, a body that swallows words beside a
    :class:`~bnnhw.hardware.residual.StreamBuffer`, :class:`~bnnhw.hardware.residual.Add`.

    - ``stable``: an offered sum holds until it is taken.
    - ``order``: every sum, in its turn, is of two copies of one word.
    - ``count``: no sum is invented, and no more words are inside than there are places.
    - ``progress``: while words keep coming, or a whole frame is inside, and sums are taken, one is offered within
      ``swallowed + 6`` cycles: body and queue are filled with one word a cycle, and the rest is the depth of the units.

    Parameters
    ----------
    unit : ForkJoin
    """

    properties = ("stable", "order", "count", "progress")
    covers = ("followed", "waiting")

    def __init__(self, unit: ForkJoin) -> None:
        self._unit = unit
        super().__init__({"start": 1, "payload": unit.width, "output_ready": 1, "pick": 1})

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        unit, words = self._unit, self._unit.words
        m.submodules.unit = unit
        m.submodules.producer = producer = _Producer(unit.width)
        wiring.connect(m, producer.output, unit.input)
        # The producer's word, those of the queue, the sum. A frame is a word, but for whether a whole one is inside.
        m.submodules.watch = watch = FrameWatch(1, 1, unit.depth + 2)
        m.submodules.frames = frames = FrameWatch(words, words, unit.depth + 2)
        for each in (watch, frames):
            m.d.comb += [each.enter.eq(producer.loads), each.leave.eq(unit.output.valid & self.output_ready)]
        m.d.comb += [
            producer.start.eq(self.start),
            producer.payload.eq(self.payload),
            unit.output.ready.eq(self.output_ready),
            watch.pick.eq(self.pick),
        ]
        word = _followed(m, watch, self.payload, "followed_word")
        owed = producer.output.valid | frames.complete
        rules.check("stable", stays(m, unit.output.valid, self.output_ready, unit.output.payload))
        rules.check("order", ~(watch.checking & watch.leave) | (unit.output.payload == 2 * word))
        rules.check("count", watch.within)
        rules.check("progress", waits(m, owed & self.output_ready & ~unit.output.valid, unit.swallowed + 6))
        rules.cover("followed", watch.checking & watch.leave)
        rules.cover("waiting", unit.fork_waits)
