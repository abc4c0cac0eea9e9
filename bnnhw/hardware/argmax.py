"""The end of the network: scores, and the class with the highest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from amaranth.hdl import Const, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from bnnhw.folding import LayerFolding
from bnnhw.folding.pipeline import argmax_pipeline
from bnnhw.hardware.emit import shared
from bnnhw.hardware.fifo import CreditedOutput
from bnnhw.hardware.rom import Rom
from bnnhw.hardware.shapes import integer_shape
from bnnhw.ir import Dense, Output

__all__ = ["Argmax", "score_layout"]


def score_layout(output: Output, layer: Dense, folding: LayerFolding) -> data.StructLayout:
    """The result of a frame: ``index`` of the class with the highest score, and that ``score``."""
    low, high = argmax_pipeline(output, layer, folding).score_range
    return data.StructLayout(
        {"index": unsigned(max((output.classes - 1).bit_length(), 1)), "score": integer_shape(low, high)}
    )


class Argmax(wiring.Component):
    """Turns accumulators into scores and finds the highest; the lowest index wins a tie.

    With the pipeline ``p`` of :func:`bnnhw.folding.pipeline.argmax_pipeline`:

    - Input: ``p.words = ceil(classes / PE)`` words a frame; class ``n`` is lane ``n % PE`` of word ``n // PE``.
      Lanes past the last class are ignored.
    - Output: one word a frame, :func:`score_layout`.
    - II = ``p.words`` cycles a frame. Latency = ``p.words - 1 + p.depth``.
    - Stalls: a frame's last word waits until the output queue has room for the result.
    - Storage: a score and an index a tree node; ``p.credits`` results; a multiplier and an offset a class where
      they differ from 1 and 0.

    Parameters
    ----------
    output : Output
        Streamlined.
    layer : Dense
        The layer before it.
    folding : LayerFolding
        That layer's.

    Members
    -------
    input : stream of ``unsigned(PE * accumulator width)``
    output : stream of :func:`score_layout`
    """

    def __init__(self, output: Output, layer: Dense, folding: LayerFolding) -> None:
        if output.steps:
            raise ValueError(f"layer {output.name} must be streamlined")
        self.network_output = output
        self.pipeline = argmax_pipeline(output, layer, folding)
        self._accumulator = integer_shape(*layer.accumulator_range)
        self._score = integer_shape(*self.pipeline.score_range)
        self._layout = score_layout(output, layer, folding)
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(folding.pe * self._accumulator.width))),
                "output": Out(stream.Signature(self._layout)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = self.pipeline
        queue = CreditedOutput(self._layout.size, p.credits)
        m.submodules.queue = shared(platform, queue)
        word, accept, ends = Signal(range(p.words)), Signal(), Signal()
        m.d.comb += [
            self.output.payload.as_value().eq(queue.output.payload),
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
        following = control[1]
        used = self.network_output.classes - (p.words - 1) * p.lanes
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
        best = Signal(self._layout, reset_less=True)
        first, push = Signal(init=1), Signal()
        m.d.sync += push.eq(valid & last)
        with m.If(valid):
            m.d.sync += first.eq(last)
            with m.If(first | (score > best.score)):
                m.d.sync += [best.score.eq(score), best.index.eq(first_class + lane)]
        m.d.comb += [queue.push.eq(push), queue.payload.eq(best.as_value())]
        return m

    def _scores(self, m: Module, word: Signal, follow: Callable[[str], None]) -> list[Value]:
        """The scores of a word's lanes: captured, then multiplied, then offset, a register each where they exist."""
        p, output = self.pipeline, self.network_output
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
        """A constant a lane, of the word accepted ``1 + delay`` cycles before."""
        p = self.pipeline
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
