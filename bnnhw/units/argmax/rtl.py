"""The end of the network: scores, and the class with the highest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from bnnhw.rtl.emit import shared
from bnnhw.rtl.fifo import CreditedOutput, Fifo
from bnnhw.rtl.result import result_layout
from bnnhw.rtl.rom import Rom
from bnnhw.rtl.shapes import integer_shape
from bnnhw.units.argmax.model import ArgmaxUnit

__all__ = ["Argmax"]


class Argmax(wiring.Component):
    """Turns accumulators into scores and finds the highest; the lowest index wins a tie.

    A network of one score decides between two classes: the index is 1 where the score is not negative.

    With ``t`` of :class:`~bnnhw.units.argmax.model.ArgmaxTiming`:

    - Input: ``t.words = ceil(scores / PE)`` words per frame; score ``n`` is lane ``n % PE`` of word ``n // PE``.
      Lanes past the last score are ignored.
    - Output: one word per frame, :func:`~bnnhw.rtl.result.result_layout`.
    - II = ``t.words`` cycles per frame. Latency = ``t.words - 1 + p.depth``.
    - Stalls: a frame's last word waits until the output queue has room for the result.
    - Storage: a score and an index per tree node; ``t.credits`` results; a multiplier and an offset per class where
      they differ from 1 and 0. With all scores in the results: those of a frame's words but the last.

    Parameters
    ----------
    model : ArgmaxUnit

    Members
    -------
    input : stream of ``unsigned(PE * accumulator width)``
    output : stream of :func:`~bnnhw.rtl.result.result_layout`
    """

    def __init__(self, model: ArgmaxUnit) -> None:
        self.model = model
        self._accumulator = integer_shape(*model.accumulator_range)
        self._score = integer_shape(*model.score_range)
        self._layout = result_layout(model.outputs[0])
        self._best = result_layout(replace(model.outputs[0], scores=0))
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(model.inputs[0].width))),
                "output": Out(stream.Signature(self._layout)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = self.model.timing
        queue = CreditedOutput(self._best.size, p.credits)
        m.submodules.queue = shared(platform, queue)
        word, accept, ends = Signal(range(p.words)), Signal(), Signal()
        # All scores are there before the class is, and leave with it.
        every = Fifo(self._layout.size - self._best.size, p.credits) if self.model.scores else None
        result: Value = queue.output.payload if every is None else Cat(queue.output.payload, every.output.payload)
        m.d.comb += [
            self.output.payload.as_value().eq(result),
            self.output.valid.eq(queue.output.valid),
            queue.output.ready.eq(self.output.ready),
            ends.eq(word == p.words - 1),
            self.input.ready.eq(~ends | queue.grant),
            accept.eq(self.input.valid & self.input.ready),
            queue.begin.eq(accept & ends),
        ]
        with m.If(accept):
            m.d.sync += word.eq(Mux(ends, 0, word + 1))

        # Beside the scores: whether they count, whether they end a frame, the index of their first class.
        base = Signal(range(p.words * p.lanes))
        with m.If(accept):
            m.d.sync += base.eq(Mux(ends, 0, base + p.lanes))
        control: tuple[Value, Value, Value] = (accept, ends, base)

        def follow(step: str) -> None:
            """One register for what runs beside the scores."""
            nonlocal control
            names = ("valid", "ends", "base")
            registers = tuple(Signal(len(v), name=f"{n}_{step}") for v, n in zip(control, names, strict=True))
            m.d.sync += [r.eq(v) for r, v in zip(registers, control, strict=True)]
            control = (registers[0], registers[1], registers[2])

        scores = self._scores(m, word, follow)
        if every is not None:
            m.submodules.scores = shared(platform, every)
            m.d.comb += every.output.ready.eq(queue.output.valid & self.output.ready)
            self._collect(m, scores, control[0], control[1], every)
        following = control[1]
        used = self.model.output.classes - (p.words - 1) * p.lanes
        least = -(1 << (self._score.width - 1)) if self._score.signed else 0
        # A lane past the last class ties with the least score there is, and so loses to the lanes on its left.
        candidates: list[tuple[Value, Value]] = [
            (score if lane < used else Mux(following, least, score), Const(lane, range(max(p.lanes, 2))))
            for lane, score in enumerate(scores)
        ]
        level = 0
        while len(candidates) > 1:
            winners: list[tuple[Value, Value]] = []
            for k in range(0, len(candidates), 2):
                score = Signal(self._score, name=f"score_{level}_{k // 2}", reset_less=True)
                lane = Signal(range(max(p.lanes, 2)), name=f"lane_{level}_{k // 2}", reset_less=True)
                left = candidates[k]
                if k + 1 == len(candidates):
                    m.d.sync += [score.eq(left[0]), lane.eq(left[1])]
                else:
                    right = candidates[k + 1]
                    higher = Signal(name=f"right_{level}_{k // 2}")
                    m.d.comb += higher.eq(right[0] > left[0])
                    m.d.sync += [
                        score.eq(Mux(higher, right[0], left[0])),
                        lane.eq(Mux(higher, right[1], left[1])),
                    ]
                winners.append((score, lane))
            candidates = winners
            follow(f"level_{level}")
            level += 1

        score, lane = candidates[0]
        valid, last, first_class = control
        best = Signal(self._best, reset_less=True)
        first, push = Signal(init=1), Signal()
        m.d.sync += push.eq(valid & last)
        index = score >= 0 if self.model.output.classes == 1 else first_class + lane
        taken = [best.score.eq(score), best.index.eq(index)]
        if self.model.every_cycle:
            m.d.sync += taken
        else:
            with m.If(valid):
                m.d.sync += first.eq(last)
                with m.If(first | (score > best.score)):
                    m.d.sync += taken
        m.d.comb += [queue.push.eq(push), queue.payload.eq(best.as_value())]
        return m

    def _collect(self, m: Module, scores: list[Value], valid: Value, ends: Value, every: Fifo) -> None:
        """The scores of a frame's words side by side, into a queue that has a place for each frame that has begun."""
        p = self.model.timing
        word = Signal(p.lanes * self._score.width, name="scores_of_word")
        for lane, score in enumerate(scores):
            shaped = Signal(self._score, name=f"score_of_lane_{lane}")
            m.d.comb += [
                shaped.eq(score),
                word[lane * self._score.width : (lane + 1) * self._score.width].eq(shaped),
            ]
        frame: Value = word
        if p.words > 1:
            earlier = Signal((p.words - 1) * len(word), name="scores_of_earlier_words", reset_less=True)
            frame = Cat(earlier, word)
            with m.If(valid):
                m.d.sync += earlier.eq(frame[len(word) :])
        m.d.comb += [every.input.payload.eq(frame), every.input.valid.eq(valid & ends)]

    def _scores(self, m: Module, word: Signal, follow: Callable[[str], None]) -> list[Value]:
        """The scores of a word's lanes: captured, then multiplied, then offset, a register each where they exist."""
        p, output = self.model.timing, self.model.output
        width = self._accumulator.width
        captured: list[Value] = []
        for lane in range(p.lanes):
            accumulator = Signal(self._accumulator, name=f"accumulator_{lane}", reset_less=True)
            m.d.sync += accumulator.eq(self.input.payload[lane * width : (lane + 1) * width])
            captured.append(accumulator)
        follow("captured")
        scores = captured
        if p.multiply:
            multipliers = self._constants(m, "multipliers", output.multiplier, word, 0)
            products: list[Value] = []
            for lane, (score, multiplier) in enumerate(zip(scores, multipliers, strict=True)):
                product = Signal((score * multiplier).shape(), name=f"product_{lane}", reset_less=True)
                m.d.sync += product.eq(score * multiplier)
                products.append(product)
            scores = products
            follow("multiplied")
        if p.add:
            offsets = self._constants(m, "offsets", output.offset, word, p.multiply)
            sums: list[Value] = []
            for lane, (score, offset) in enumerate(zip(scores, offsets, strict=True)):
                total = Signal(self._score, name=f"sum_{lane}", reset_less=True)
                m.d.sync += total.eq(score + offset)
                sums.append(total)
            scores = sums
            follow("added")
        return scores

    def _constants(self, m: Module, name: str, values: NDArray[np.int64], word: Signal, delay: int) -> list[Value]:
        """A constant per lane, of the word accepted ``1 + delay`` cycles before."""
        p = self.model.timing
        shape = integer_shape(int(values.min()), max(int(values.max()), 1))
        padded = np.zeros(p.words * p.lanes, np.int64)
        padded[: len(values)] = values
        bits = (padded[:, None] >> np.arange(shape.width)) & 1
        rom = Rom(
            bits.astype(np.uint8).reshape(p.words, p.lanes * shape.width),
            "lut",
            registered=False,
            stages=(delay,) * (p.lanes * shape.width),
        )
        m.submodules[name] = rom
        m.d.comb += rom.address.eq(word)
        constants: list[Value] = []
        for lane in range(p.lanes):
            constant = Signal(shape, name=f"{name}_{lane}")
            m.d.comb += constant.eq(rom.data[lane * shape.width : (lane + 1) * shape.width])
            constants.append(constant)
        return constants
