"""The contracts of the units that compute: what comes out is what the arithmetic says, once for each vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, unsigned

from bnnhw.ir import Dense, Thresholds
from bnnhw.units.argmax.rtl import Argmax
from bnnhw.units.mvu.rtl import Mvu
from bnnhw.verify.formal_contract import Contract, FrameWatch, Rules, stays, waits

__all__ = ["ArgmaxContract", "MvuContract", "dense"]


def _sum(terms: Sequence[Value]) -> Value:
    total: Value = Const(0)
    for term in terms:
        total = total + term
    return total


def dense(layer: Dense, elements: Sequence[Value]) -> list[Value]:
    """What each neuron gives for the codes of a vector, by the definition in :mod:`bnnhw.ir.layers`: no folding, no
    pipeline, no padding.

    Parameters
    ----------
    layer : Dense
        Streamlined.
    elements : K values of ``layer.input.bits`` bits

    Returns
    -------
    list of N values
        The codes of the activation, or the accumulators of a layer without.
    """
    matrices = [plane.bits.bits() for plane in layer.weights]
    results: list[Value] = []
    for n in range(layer.neurons):
        terms: list[Value] = []
        for coefficient, i, j in layer.planes:
            row = matrices[j][n]
            matches = [element[i] if row[k] else ~element[i] for k, element in enumerate(elements)]
            terms.append(_sum(matches) * coefficient)
        accumulator = _sum(terms)
        if not isinstance(layer.activation, Thresholds):
            results.append(accumulator)
            continue
        thresholds, dtype = layer.activation.values[n], layer.activation.dtype
        level = _sum([accumulator >= int(t) for t in thresholds])
        code: Value = Const(0, dtype.bits)
        for value in range(dtype.levels):
            code = Mux(level == value, int(dtype.codes(np.array(value))), code)
        results.append(code)
    return results


class _Capture:
    """The words of the frame that is followed."""

    def __init__(self, m: Module, watch: FrameWatch, payload: Value, words: int) -> None:
        self.words = [Signal(len(payload), name=f"followed_{i}") for i in range(words)]
        with m.If(watch.capturing), m.Switch(watch.in_index):
            for i, word in enumerate(self.words):
                with m.Case(i):
                    m.d.sync += word.eq(payload)

    def lanes(self, count: int | None, shape: Shape) -> list[Value]:
        """The first ``count`` lanes; the rest is padding. None: all."""
        lanes: list[Value] = []
        for word in self.words:
            for lane in range(len(word) // shape.width):
                bits = word[lane * shape.width : (lane + 1) * shape.width]
                lanes.append(bits.as_signed() if shape.signed else bits)
        return lanes[:count]


class MvuContract(Contract):
    """Of :class:`~bnnhw.units.mvu.rtl.Mvu`.

    - ``stable``: an offered word holds until it is taken.
    - ``result``: every lane of every word of every vector, in its turn, is :func:`dense` of that vector; depthwise, of
      the lane of its channel.
    - ``count``: no word is offered before its whole vector has been accepted, and so never more words than are due.
    - ``buffer``: no more words are accepted than the replay buffer holds beside those that the output queue has
      room for the results of.
    - ``accept``: a word is accepted while fewer than ``buffer_words`` have been of vectors not finished.
    - ``serve``: with a whole vector inside, a word is offered within ``SF * P + L`` cycles, with P serial planes.

    Of a depthwise unit, what is said of vectors holds of the channels side by side in a word, which have SF words of
    their own.
    """

    properties = ("stable", "result", "count", "buffer", "accept", "serve")
    covers = ("followed", "full")

    def __init__(self, unit: Mvu) -> None:
        self._unit = unit
        super().__init__({"input_valid": 1, "input_payload": len(unit.input.payload), "output_ready": 1, "pick": 1})

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        unit, p = self._unit, self._unit.pipeline
        sf, nf = p.synapse_folds, p.vector_folds
        # Vectors of which the queue holds results, and those in the buffer.
        capacity = -(-p.credits // nf) + -(-p.buffer_words // sf) + 1
        m.submodules.unit = unit
        m.submodules.watch = watch = FrameWatch(sf, nf, capacity)
        m.d.comb += [
            unit.input.valid.eq(self.input_valid),
            unit.input.payload.eq(self.input_payload),
            unit.output.ready.eq(self.output_ready),
            watch.enter.eq(unit.input.valid & unit.input.ready),
            watch.leave.eq(unit.output.valid & unit.output.ready),
            watch.pick.eq(self.pick),
        ]
        captured = _Capture(m, watch, unit.input.payload, sf)
        right = self._right(m, watch, captured.lanes(None, unsigned(unit.layer.input.bits)))

        # Words accepted since the first of the oldest vector whose results are not all taken.
        held, ends = Signal(range(2 * sf * (capacity + 1))), Signal()
        m.d.comb += ends.eq(watch.leave & (watch.out_index == nf - 1))
        m.d.sync += held.eq(held + watch.enter - Mux(ends, sf, 0))
        limit = Signal.like(held)
        with m.Switch(watch.out_index):
            for taken in range(nf):
                with m.Case(taken):
                    # The neuron folds that may have been issued, and the words that issuing them gives up.
                    vectors, folds = divmod(taken + p.credits, nf)
                    m.d.comb += limit.eq(p.buffer_words + vectors * sf + (sf - 1 if folds == nf - 1 else 0))

        rules.check("stable", stays(m, unit.output.valid, unit.output.ready, unit.output.payload))
        rules.check("result", ~(watch.checking & watch.leave) | right)
        rules.check("count", ~unit.output.valid | watch.complete)
        rules.check("buffer", (held <= limit) & watch.within)
        rules.check("accept", unit.input.ready | (held >= p.buffer_words))
        rules.check("serve", waits(m, watch.complete & ~unit.output.valid, p.fold_cycles + p.depth))
        rules.cover("followed", watch.checking & ends)
        rules.cover("full", ~unit.input.ready & unit.output.valid)

    def _right(self, m: Module, watch: FrameWatch, lanes: list[Value]) -> Signal:
        """Whether the word offered is due, if it is one of the vector whose lanes are given."""
        layer, pe, p = self._unit.layer, self._unit.folding.pe, self._unit.pipeline
        fold = Signal(range(p.neuron_folds))
        with m.If(watch.leave):
            m.d.sync += fold.eq(Mux(fold == p.neuron_folds - 1, 0, fold + 1))
        if p.multiplier:
            channels = self._unit.folding.channels(p.multiplier)
            of_lane = [dense(layer, lanes[lane::channels]) for lane in range(channels)]
            expected = [of_lane[n // p.multiplier % channels][n] for n in range(layer.neurons)]
        else:
            expected = dense(layer, lanes[: layer.synapses])
        right = Signal(init=1)
        with m.Switch(fold):
            for number in range(p.neuron_folds):
                with m.Case(number):
                    equal = []
                    for lane, value in enumerate(expected[number * pe : (number + 1) * pe]):
                        due = Signal(self._unit.lane_bits, name=f"due_{number}_{lane}")
                        m.d.comb += due.eq(value)
                        equal.append(self._unit.output.payload[lane * len(due) : (lane + 1) * len(due)] == due)
                    m.d.comb += right.eq(Cat(equal).all())
        return right


class ArgmaxContract(Contract):
    """Of :class:`~bnnhw.units.argmax.rtl.Argmax`.

    - ``stable``: an offered word holds until it is taken.
    - ``result``: every frame's word, in its turn, is the lowest index of the highest score, and that score.
    - ``count``: no result is offered before its whole frame has been accepted.
    - ``accept``: a word waits only if it is its frame's last and the queue has no room for another result.
    - ``serve``: with a whole frame inside, its result is offered within the depth of the pipeline.
    """

    properties = ("stable", "result", "count", "accept", "serve")
    covers = ("followed", "full")

    def __init__(self, unit: Argmax, accumulator: Shape) -> None:
        self._unit, self._accumulator = unit, accumulator
        super().__init__({"input_valid": 1, "input_payload": len(unit.input.payload), "output_ready": 1, "pick": 1})

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        unit, p = self._unit, self._unit.pipeline
        output = unit.network_output
        m.submodules.unit = unit
        # Frames whose results have room, and the one that enters.
        m.submodules.watch = watch = FrameWatch(p.words, 1, p.credits + 1)
        payload = unit.output.payload
        m.d.comb += [
            unit.input.valid.eq(self.input_valid),
            unit.input.payload.eq(self.input_payload),
            unit.output.ready.eq(self.output_ready),
            watch.enter.eq(unit.input.valid & unit.input.ready),
            watch.leave.eq(unit.output.valid & unit.output.ready),
            watch.pick.eq(self.pick),
        ]
        captured = _Capture(m, watch, unit.input.payload, p.words)
        best: Value = Const(0)
        index: Value = Const(0)
        for n, accumulator in enumerate(captured.lanes(output.classes, self._accumulator)):
            score = accumulator * int(output.multiplier[n]) + int(output.offset[n])
            if n == 0:
                best = score
                continue
            higher = Signal(name=f"higher_{n}")
            m.d.comb += higher.eq(score > best)
            best, index = Mux(higher, score, best), Mux(higher, n, index)
        complete = watch.inside - (watch.in_index != 0)

        rules.check("stable", stays(m, unit.output.valid, unit.output.ready, payload.as_value()))
        right = (payload.index == index) & (payload.score == best)
        rules.check("result", ~(watch.checking & watch.leave) | right)
        rules.check("count", watch.within & (~unit.output.valid | watch.complete))
        rules.check("accept", unit.input.ready == ~((watch.in_index == p.words - 1) & (complete == p.credits)))
        rules.check("serve", waits(m, watch.complete & ~unit.output.valid, p.depth))
        rules.cover("followed", watch.checking & watch.leave)
        rules.cover("full", (complete == p.credits) & unit.output.valid)
