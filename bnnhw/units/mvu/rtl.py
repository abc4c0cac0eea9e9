"""The matrix-vector unit: weights times a vector, popcounts, thresholds."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, ResetSignal, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from bnnhw.rtl.copy import Copy
from bnnhw.rtl.emit import apart, shared
from bnnhw.rtl.fifo import CreditedOutput
from bnnhw.rtl.load import write_signature
from bnnhw.rtl.registers import delayed, skew, successor
from bnnhw.rtl.rom import Rom
from bnnhw.rtl.writable import WritableMemory
from bnnhw.units.mvu.model import MvuUnit, side_by_side
from bnnhw.units.mvu.processing_element import ProcessingElement
from bnnhw.units.mvu.replay import Replay

__all__ = ["Mvu"]


class Mvu(wiring.Component):
    """Multiplies a stream of vectors by a binary matrix: PE neurons by SIMD synapses per cycle.

    A vector is read once and replayed NF times out of a buffer, while the next one is already being written.
    With SF = ceil(K / SIMD), NF = ceil(N / PE), P = 1 or, where the b planes of the inputs are taken one after another,
    b, and L the depth of the pipeline (:class:`~bnnhw.units.mvu.timing.MvuTiming`):

    - Input: SF words per vector; element ``k`` is lane ``k % SIMD`` of word ``k // SIMD``, lane ``l`` in bits
      ``[l * b, (l + 1) * b)`` of a word of ``SIMD * b`` bits. Lanes past K are ignored.
    - Output: NF words per vector; neuron ``n`` is lane ``n % PE`` of word ``n // PE``. Lanes past N are undefined.
      A lane is an activation code, or the accumulator where the layer has no activation.
    - II = SF * NF * P cycles per vector, without a bubble between vectors.
    - Latency = II + L cycles, from the first input word accepted to the last output word offered.
    - Stalls: a word is issued for the first time when it is there, the last word of each neuron fold when the
      output queue has room for its result; nothing else waits. The input is accepted until the buffer is full.
    - Storage: N * K weight bits; ``buffer_words`` input words; ``credits`` output words; thresholds.

    Bit-serial planes: a neuron fold goes through its SF words P times, from the highest plane down, and
    :class:`~bnnhw.units.mvu.shift_add.ShiftAdd` doubles the sum before each but the first.

    Depthwise with M neurons per channel, neuron ``n`` multiplies channel ``n // M`` alone. PE is a multiple of M, and a
    word has C = PE / M channels side by side, each of which feeds M elements; or a divisor of it, and the words of
    C = 1 channel are replayed for its M / PE neuron folds. SF = K; the rest stays as it is:

    - Input: SF words for each C channels, one group of channels after another; word ``k`` of group ``g`` has element
      ``k`` of channel ``g * C + l`` in lane ``l`` of C. Lanes of channels past the last are ignored.
    - Stalls: the same; a word is issued M / PE times for each serial plane, at least once.
    - Storage: of input words 2 * SF, or 2 where none is issued twice.

    Parameters
    ----------
    model : MvuUnit

    Members
    -------
    input : stream of ``unsigned(SIMD * b)``, depthwise of ``unsigned(C * b)``
    output : stream of ``unsigned(PE * lane bits)``
    load_weights, load_thresholds : In(write_signature)
        Of memories that are written while the device runs, with no vector inside.
    """

    def __init__(self, model: MvuUnit) -> None:
        self.model = model
        self.technology = model.technology
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(model.inputs[0].width))),
                "output": Out(stream.Signature(unsigned(model.outputs[0].width))),
                **{f"load_{memory.name}": In(write_signature(memory)) for memory in model.loads},
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = self.model.timing
        out = CreditedOutput(self.model.pe * self.model.lane_bits, p.credits)
        m.submodules.queue = shared(platform, out)
        wiring.connect(m, out.output, wiring.flipped(self.output))

        m.submodules.replay = issued = Replay(p, len(self.input.payload), self.technology)
        m.d.comb += [
            issued.input.valid.eq(self.input.valid),
            issued.input.payload.eq(self._with_padding(self.input.payload, issued.position)),
            self.input.ready.eq(issued.input.ready),
            issued.grant.eq(out.grant),
            out.begin.eq(issued.last),
        ]
        weights = self._weights(m, issued.address, platform)
        inputs = self._inputs(m, issued.word, issued.plane, platform)

        # Of the words on their way, with registers for each group of elements in the end.
        flags = Cat(issued.issue, issued.ends, issued.last)
        counting = delayed(m, flags if p.serial > 1 else flags[:2], p.read + p.count + p.combine - 2, "counting")
        controls = self._copies(m, counting, platform, "control")
        before_compare = delayed(m, counting[-1], 1 + p.accumulate + p.shift_add, "ending")
        push = delayed(m, before_compare, 1 + p.threshold, "push")

        thresholds = self._thresholds(m, before_compare, platform)
        results = self._results(m, inputs, weights, controls, thresholds, platform)
        m.d.comb += [out.push.eq(push), out.payload.eq(Cat(*results))]
        return m

    def _results(
        self,
        m: Module,
        inputs: list[Value],
        weights: list[Value],
        controls: list[Value],
        thresholds: list[Value] | None,
        platform: object,
    ) -> list[Value]:
        """What the processing elements give: one for each of the inputs, the neurons' in turn."""
        results: list[Value] = []
        resets = self._resets(m, len(inputs), platform)
        for n, (x, control) in enumerate(zip(inputs, controls, strict=True)):
            neuron = n % self.model.pe
            unit = self._element()
            m.submodules[f"pe_{n}"] = apart(platform, unit, f"pe_{n}", resets[n])
            valid, ends, *neuron_ends = control
            m.d.comb += [unit.x.eq(x), unit.w.eq(weights[neuron]), unit.valid.eq(valid), unit.ends.eq(ends)]
            if neuron_ends:
                m.d.comb += unit.neuron_ends.eq(neuron_ends[0])
            if thresholds is not None:
                m.d.comb += unit.thresholds.eq(thresholds[neuron])
            results.append(unit.result)
        return results

    def _copies(
        self,
        m: Module,
        value: Value,
        platform: object,
        name: str,
        *,
        elements: int | None = None,
        init: int = 0,
        reset_less: bool = False,
    ) -> list[Value]:
        """A value one cycle later for each processing element, or for so many, out of a register for each group.

        ``init`` is what the registers of several groups have at power-up.
        """
        elements = self.model.pe if elements is None else elements
        if elements <= self.technology.group or not len(value):
            return [delayed(m, value, 1, name, reset_less=reset_less)] * elements
        copies: list[Value] = []
        for n in range(elements):
            group, place = divmod(n, self.technology.group)
            if place == 0:
                copy = Copy(len(value), init=init, reset_less=reset_less)
                m.submodules[f"{name}_{group}"] = shared(platform, copy)
                m.d.comb += copy.d.eq(value)
                copies.append(copy.q)
            else:
                copies.append(copies[-1])
        return copies

    def _resets(self, m: Module, elements: int, platform: object) -> list[Value]:
        """The reset of each processing element: of several groups a cycle late, out of a register for each.

        In that cycle an element may count a word that was on its way before, which its reset then forgets; no word that
        is accepted after the unit's reset is there so early.
        """
        reset = ResetSignal(allow_reset_less=True)
        if elements <= self.technology.group or not self.model.timing.sums:
            return [reset] * elements
        return self._copies(m, reset, platform, "reset", elements=elements, init=1, reset_less=True)

    def _element(self) -> ProcessingElement:
        matrix, simd = self.model.matrix, self.model.simd
        limits = matrix.accumulator_range
        output = None if matrix.activation is None else matrix.output
        if self.model.timing.serial == 1:
            return ProcessingElement(simd, matrix.planes, limits, output, self.model.timing, self.technology)
        coefficients = [plane.coefficient for plane in matrix.weights]
        planes = tuple((c, 0, j) for j, c in enumerate(coefficients))
        low, high = (
            matrix.synapses * sum(c for c in coefficients if (c < 0) == negative) for negative in (True, False)
        )
        signed_top = matrix.input.coefficients[-1] < 0
        return ProcessingElement(
            simd, planes, limits, output, self.model.timing, self.technology, plane=(low, high), signed_top=signed_top
        )

    def _with_padding(self, payload: Value, position: Value) -> Value:
        """The input word, its lanes past K filled with ones: with a weight of 0 they never count."""
        used = self.model.matrix.synapses - (self.model.timing.synapse_folds - 1) * self.model.simd
        spare = self.model.simd - used
        if not spare:
            return payload
        bits = self.model.matrix.input.bits
        filled = Cat(payload[: used * bits], Const(-1, spare * bits))
        return Mux(position == self.model.timing.synapse_folds - 1, filled, payload)

    def _inputs(self, m: Module, word: Value, plane: Value, platform: object, name: str = "x") -> list[Value]:
        """Each processing element's lanes, as its popcount wants them: depthwise of its channel, else all."""
        p, pe = self.model.timing, self.model.pe
        bits = self.model.matrix.input.bits // p.serial
        if p.serial > 1:
            word = self._plane(m, delayed(m, word, 1, "word", reset_less=True), delayed(m, plane, 2, "plane"))
        if p.multiplier:
            # The planes of one lane, which a popcount wants in its first cycle.
            bound = Signal(len(word), name="x_word")
            m.d.comb += bound.eq(word)
            readers, lanes = min(pe, p.multiplier), range(self.model.input_lanes)
            channels = [bound[lane * bits : (lane + 1) * bits] for lane in lanes]
            if p.read == 1:
                return [x for x in channels for _ in range(readers)]
            copies = [
                self._copies(m, x, platform, f"x_{lane}", elements=readers, reset_less=True)
                for lane, x in enumerate(channels)
            ]
            return [x for copy in copies for x in copy]
        if p.read == 1:
            return [self._skewed(m, word, bits)] * pe
        inputs: list[Value] = []
        for n, copy in enumerate(self._copies(m, word, platform, name, reset_less=True)):
            inputs.append(inputs[-1] if n % self.technology.group else self._skewed(m, copy, bits))
        return inputs

    def _plane(self, m: Module, word: Value, plane: Value) -> Value:
        """One plane of every lane."""
        bits = self.model.matrix.input.bits
        bound = Signal(len(word), name="word_held")
        m.d.comb += bound.eq(word)
        return Cat(*(bound[i : i + bits].bit_select(plane, 1) for i in range(0, len(word), bits)))

    def _skewed(self, m: Module, word: Value, bits: int) -> Value:
        """A word's bit planes side by side, each lane delayed by the cycles after which the popcount wants it."""
        simd = self.model.simd
        stages = self.model.plan.lane_stages
        bound = Signal(len(word), name="x_word")
        m.d.comb += bound.eq(word)
        lanes = [bound[lane * bits + plane] for plane in range(bits) for lane in range(simd)]
        late = skew(m, lanes, stages * bits, "x_late")
        x = Signal(simd * bits, name="x_lanes")
        m.d.comb += x.eq(Cat(*late))
        return x

    def _weights(self, m: Module, address: Value, platform: object) -> list[Value]:
        """Each processing element's weight lanes, all planes side by side."""
        words, stages = self.model.weights, self.model.lane_stages
        address = delayed(m, address, max(self.model.timing.read - 2, 0), "address", reset_less=True)
        if self.model.folding.memory == "lut":
            # One memory per processing element, one address register per group: fan-out, not storage, is scarce.
            outputs: list[Value] = []
            for n, early in enumerate(self._copies(m, address, platform, "address", reset_less=True)):
                rom = Rom(words[n], "lut", registered=False, stages=stages)
                m.submodules[f"weights_{n}"] = rom
                m.d.comb += rom.address.eq(early)
                outputs.append(rom.data)
            return outputs
        return self._block(m, "weights", words, address, stages, registered=self.model.timing.read >= 2)

    def _block(
        self,
        m: Module,
        name: str,
        words: NDArray[np.uint8],
        address: Value,
        stages: tuple[int, ...],
        *,
        registered: bool,
    ) -> list[Value]:
        """The words of all processing elements out of one memory, which may be written over the load bus."""
        stages = stages * len(words)
        if (loaded := self.model.loaded(name)) is None:
            memory = Rom(side_by_side(words), "block", registered=registered, stages=stages)
        else:
            memory = WritableMemory(loaded, stages, self.technology, registered=registered)
        m.submodules[name] = memory
        if loaded is not None:
            wiring.connect(m, wiring.flipped(getattr(self, f"load_{name}")), memory.load)
        m.d.comb += memory.address.eq(address)
        width = words.shape[2]
        return [memory.data[n * width : (n + 1) * width] for n in range(len(words))]

    def _thresholds(self, m: Module, before_compare: Value, platform: object) -> list[Value] | None:
        """Each processing element's thresholds in the cycle of their comparison, one after ``before_compare``."""
        words = self.model.thresholds
        if words is None:
            return None
        nf = self.model.timing.neuron_folds
        # The address runs two cycles ahead of the fold being compared, because the memories answer two cycles later.
        fold, following = Signal(range(nf)), Signal(range(nf))
        m.d.comb += following.eq(Mux(before_compare, successor(fold, nf), fold))
        m.d.sync += fold.eq(following)
        block = self.model.folding.thresholds == "block"
        if block or self.model.loaded("thresholds") is not None:
            # Where words of block RAM are read without a register behind them, there is one in front: the fold itself.
            early = not block or self.technology.block_register
            return self._block(
                m, "thresholds", words, following if early else fold, (0,) * words.shape[2], registered=early
            )
        grouped = self.model.threshold_groups > 1
        addresses: list[Value] = [following] * len(words)
        if grouped:
            addresses = self._copies(m, following, platform, "thresholds_address", reset_less=True)
        outputs: list[Value] = []
        for n, (bits, address) in enumerate(zip(words, addresses, strict=True)):
            rom = Rom(bits, "lut", registered=not grouped)
            m.submodules[f"thresholds_{n}"] = rom
            m.d.comb += rom.address.eq(address)
            outputs.append(rom.data)
        return outputs
