"""What is proved of a matrix-vector unit: what comes out is what the arithmetic says, once for each vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from bnnhw.ir import Dense, Thresholds
from bnnhw.rtl.contract import Rules
from bnnhw.rtl.golden import Capture
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from bnnhw.units.mvu.batch_timing import BEHIND
from bnnhw.units.mvu.rtl import Mvu

__all__ = ["MvuContract", "dense"]


def _sum(terms: Sequence[Value]) -> Value:
    total: Value = Const(0)
    for term in terms:
        total = total + term
    return total


def dense(layer: Dense, elements: Sequence[Value]) -> list[Value]:
    """What each neuron gives for the codes of a vector, by the definition of the layer: no folding, no pipeline, no
    padding.

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


class MvuContract(StreamContract):
    """The contract of :class:`~bnnhw.units.mvu.rtl.Mvu`; a frame is a vector.

    - ``result``: every lane of every word of every vector is :func:`dense` of that vector; depthwise, of the lane of
      its channel.
    - ``count``: no word is offered before its whole vector has been accepted.
    - ``accept``: a word is accepted while fewer than ``buffer_words`` have been of vectors not finished.
    - ``serve``: with a whole vector inside, a word is offered within ``SF * P + L`` cycles, with P bit-serial planes.
    - ``buffer``: no more words are accepted than the replay buffer holds beside those that the output queue has
      room for the results of.

    Of a depthwise unit, what is said of vectors holds of the channels side by side in a word, which have SF words of
    their own. Where vectors share weight words, each is a frame; ``buffer_words`` are those of all banks.
    """

    properties = (*StreamContract.properties, "buffer")

    def __init__(self, unit: Mvu) -> None:
        self._model = unit.model
        t = unit.model.timing
        sf, nf = t.synapse_folds, t.vector_folds
        # Results that are begun and not taken: those in queues, where there are several lanes some behind them too.
        self._begun = t.credits if unit.model.folding.vectors == 1 else unit.model.folding.vectors * t.credits + BEHIND
        # Vectors of which the queue holds results, and those in the buffer.
        capacity = -(-self._begun // nf) + -(-t.buffer_words // sf) + 1
        self._held = Signal(range(2 * sf * (capacity + 1)))
        """Words accepted since the first of the oldest vector whose results are not all taken."""
        super().__init__(unit, sf, nf, capacity, patience=t.fold_cycles + t.depth)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        model, t = self._model, self._model.timing
        layer, pe = model.matrix, model.pe
        capture = Capture(m, way, traffic.entering["input"], t.synapse_folds)
        lanes = capture.lanes(layer.input.bits)
        fold = Signal(range(t.neuron_folds))
        with m.If(way.leave):
            m.d.sync += fold.eq(Mux(fold == t.neuron_folds - 1, 0, fold + 1))
        if t.multiplier:
            channels = model.input_lanes
            of_lane = [dense(layer, lanes[lane::channels]) for lane in range(channels)]
            expected = [of_lane[n // t.multiplier % channels][n] for n in range(layer.neurons)]
        else:
            expected = dense(layer, lanes[: layer.synapses])
        right = Signal(init=1)
        with m.Switch(fold):
            for number in range(t.neuron_folds):
                with m.Case(number):
                    equal = []
                    for lane, value in enumerate(expected[number * pe : (number + 1) * pe]):
                        due = Signal(model.lane_bits, name=f"due_{number}_{lane}")
                        m.d.comb += due.eq(value)
                        equal.append(way.payload[lane * len(due) : (lane + 1) * len(due)] == due)
                    m.d.comb += right.eq(Cat(equal).all())
        return right

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        return traffic.input.ready | (self._held >= self._model.timing.buffer_words)

    def particulars(self, m: Module, traffic: Traffic, rules: Rules) -> None:
        t, way, held = self._model.timing, traffic.way, self._held
        sf, nf = t.synapse_folds, t.vector_folds
        ends = Signal()
        m.d.comb += ends.eq(way.leave & (way.watch.out_index == nf - 1))
        m.d.sync += held.eq(held + traffic.enter - Mux(ends, sf, 0))
        limit = Signal.like(held)
        # Words of a vector alone are given up one by one, those of a batch all at its end.
        alone = self._model.folding.vectors == 1
        with m.Switch(way.watch.out_index):
            for taken in range(nf):
                with m.Case(taken):
                    # The neuron folds that may have been issued, and the words that issuing them gives up.
                    vectors, folds = divmod(taken + self._begun, nf)
                    m.d.comb += limit.eq(t.buffer_words + vectors * sf + (sf - 1 if folds == nf - 1 and alone else 0))
        rules.check("buffer", held <= limit)
