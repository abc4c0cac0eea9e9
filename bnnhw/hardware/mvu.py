"""The matrix-vector unit: weights times a vector, popcounts, thresholds."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.folding import LayerFolding
from bnnhw.folding.counter import Technology, plan
from bnnhw.folding.pipeline import accumulator_shape, mvu_pipeline
from bnnhw.folding.resources import buffer_style
from bnnhw.hardware.emit import shared
from bnnhw.hardware.fifo import CreditedOutput, stays_positive
from bnnhw.hardware.processing_element import ProcessingElement
from bnnhw.hardware.registers import delayed, reaches_end, skew, successor
from bnnhw.hardware.rom import Rom
from bnnhw.hardware.threshold import pack_thresholds
from bnnhw.ir import Dense, Thresholds, pack_rows

__all__ = ["Mvu"]


class Mvu(wiring.Component):
    """Multiplies a stream of vectors by a binary matrix: PE neurons by SIMD synapses a cycle.

    A vector is read once and replayed NF times out of a buffer, while the next one is already being written.
    With SF = ceil(K / SIMD), NF = ceil(N / PE) and L the depth of the pipeline
    (:class:`~bnnhw.folding.pipeline.MvuPipeline`):

    - Input: SF words a vector; element ``k`` is lane ``k % SIMD`` of word ``k // SIMD``, lane ``l`` in bits
      ``[l * b, (l + 1) * b)`` of a word of ``SIMD * b`` bits. Lanes past K are ignored.
    - Output: NF words a vector; neuron ``n`` is lane ``n % PE`` of word ``n // PE``. Lanes past N are undefined.
      A lane is an activation code, or the accumulator where the layer has no activation.
    - II = SF * NF cycles a vector, without a bubble between vectors.
    - Latency = SF * NF + L cycles, from the first input word accepted to the last output word offered.
    - Stalls: a word of the first neuron fold is issued when it is there, the last word of each neuron fold when the
      output queue has room for its result; nothing else waits. The input is accepted until the buffer is full.
    - Storage: N * K weight bits; ``buffer_words`` input words; ``credits`` output words; thresholds.

    Depthwise, neuron ``n`` multiplies its own channel ``n``, so nothing is replayed and the rest stays as it is:

    - Input: SF * NF words a vector, SF = K of each neuron fold, one fold after another; word ``k`` of fold ``f`` has
      element ``k`` of the channel of neuron ``f * PE + l`` in lane ``l`` of PE. Lanes of neurons past N are ignored.
    - Stalls: every word waits until it is there, the last one of each neuron fold for the output queue as well.

    Parameters
    ----------
    layer : Dense
        Streamlined.
    folding : LayerFolding
        Depthwise: SIMD 1.
    technology : Technology
    depthwise : bool

    Members
    -------
    input : stream of ``unsigned(SIMD * b)``, depthwise of ``unsigned(PE * b)``
    output : stream of ``unsigned(PE * lane bits)``
    """

    def __init__(self, layer: Dense, folding: LayerFolding, technology: Technology, *, depthwise: bool = False) -> None:
        if layer.activation is not None and not isinstance(layer.activation, Thresholds):
            raise ValueError(f"layer {layer.name} must be streamlined")
        if depthwise and folding.simd != 1:
            raise ValueError(f"layer {layer.name}: SIMD must be 1 in a depthwise unit, not {folding.simd}")
        self.layer = layer
        self.folding = folding
        self.technology = technology
        self.pipeline = mvu_pipeline(layer, folding, technology, depthwise)
        self.lane_bits = accumulator_shape(*layer.accumulator_range)[0] if layer.output is None else layer.output.bits
        lanes = folding.pe if depthwise else folding.simd
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(lanes * layer.input.bits))),
                "output": Out(stream.Signature(unsigned(folding.pe * self.lane_bits))),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = self.pipeline
        out = CreditedOutput(self.folding.pe * self.lane_bits, p.credits)
        m.submodules.queue = shared(platform, out)
        wiring.connect(m, out.output, wiring.flipped(self.output))

        issue, last, address, x_word = self._issue(m, out)
        weights = self._weights(m, address)
        inputs = self._inputs(m, x_word)

        valid = delayed(m, issue, p.read + p.count + p.combine - 1, "valid")
        ends = delayed(m, last, p.read + p.count + p.combine - 1, "ends")
        before_compare = delayed(m, ends, p.accumulate, "ending")
        push = delayed(m, before_compare, 1 + p.threshold, "push")

        thresholds = self._thresholds(m, before_compare)
        results: list[Value] = []
        for n in range(self.folding.pe):
            unit = self._element()
            m.submodules[f"pe_{n}"] = shared(platform, unit)
            m.d.comb += [unit.x.eq(inputs[n]), unit.w.eq(weights[n]), unit.valid.eq(valid), unit.ends.eq(ends)]
            if thresholds is not None:
                m.d.comb += unit.thresholds.eq(thresholds[n])
            results.append(unit.result)
        m.d.comb += [out.push.eq(push), out.payload.eq(Cat(*results))]
        return m

    def _element(self) -> ProcessingElement:
        layer = self.layer
        return ProcessingElement(
            self.folding.simd, layer.planes, layer.accumulator_range, layer.output, self.pipeline, self.technology
        )

    def _issue(self, m: Module, out: CreditedOutput) -> tuple[Signal, Signal, Signal, Value]:
        """The replay buffer and the counters that walk it.

        Returns
        -------
        issue, last : Signal
            A word is issued; it is the last of its neuron fold.
        address : Signal
            Weight address of the word issued.
        x_word : Value
            Its inputs, ``read`` cycles later.
        """
        p = self.pipeline
        sf, passes, size = p.synapse_folds, p.passes, p.buffer_words
        width = len(self.input.payload)
        style = buffer_style(size, width, self.technology)
        buffer = memory.Memory(shape=unsigned(width), depth=size, init=[], attrs={"ram_style": style})
        m.submodules.buffer = buffer
        write, read = buffer.write_port(), buffer.read_port()

        free = Signal(range(size + 1), init=size)
        fresh = Signal(range(size + 1))  # Words written and not yet issued for the first time.
        write_address, write_fold = Signal(range(size)), Signal(range(sf))
        read_address, vector_start = Signal(range(size)), Signal(range(size))
        synapse, reading = Signal(range(sf)), Signal(range(passes))
        address = Signal(range(p.interval))
        # Registers of their own for "a word fits" and "a word is there": the counters' comparisons take too long.
        fits, there = Signal(init=1), Signal()
        accept, issue, last = Signal(), Signal(), Signal()
        # What the counters stand at, known from the cycle before: whether a word is issued is then one look-up table.
        first_fold, last_fold, ends = Signal(init=1), Signal(init=passes == 1), Signal(init=sf == 1)
        m.d.comb += [
            self.input.ready.eq(fits),
            accept.eq(self.input.valid & self.input.ready),
            issue.eq((~first_fold | there) & (~ends | out.grant)),
            last.eq(issue & ends),
            out.begin.eq(last),
            write.addr.eq(write_address),
            write.en.eq(accept),
            write.data.eq(self._with_padding(self.input.payload, write_fold)),
            read.addr.eq(read_address),
        ]
        freed, begun = issue & last_fold, issue & first_fold
        m.d.sync += [
            free.eq(free + freed - accept),
            fits.eq(stays_positive(free, freed, accept)),
            fresh.eq(fresh + accept - begun),
            there.eq(stays_positive(fresh, accept, begun)),
        ]
        with m.If(accept):
            m.d.sync += [write_address.eq(successor(write_address, size)), write_fold.eq(successor(write_fold, sf))]
        with m.If(issue):
            m.d.sync += [
                address.eq(successor(address, p.interval)),
                synapse.eq(successor(synapse, sf)),
                ends.eq(reaches_end(synapse, ends, sf)),
                read_address.eq(Mux(ends & ~last_fold, vector_start, successor(read_address, size))),
            ]
        with m.If(last):
            m.d.sync += [
                reading.eq(successor(reading, passes)),
                first_fold.eq(last_fold),
                last_fold.eq(reaches_end(reading, last_fold, passes)),
            ]
            with m.If(last_fold):
                m.d.sync += vector_start.eq(successor(read_address, size))
        return issue, last, address, delayed(m, read.data, p.read - 1, "x", reset_less=True)

    def _with_padding(self, payload: Value, fold: Value) -> Value:
        """The input word, its lanes past K filled with ones: with a weight of 0 they never count."""
        used = self.layer.synapses - (self.pipeline.synapse_folds - 1) * self.folding.simd
        spare = self.folding.simd - used
        if not spare:
            return payload
        bits = self.layer.input.bits
        filled = Cat(payload[: used * bits], Const(-1, spare * bits))
        return Mux(fold == self.pipeline.synapse_folds - 1, filled, payload)

    def _inputs(self, m: Module, word: Value) -> list[Value]:
        """Each processing element's lanes, as its popcount wants them: depthwise one of the word, else all of it."""
        bits = self.layer.input.bits
        if self.pipeline.depthwise:
            # The planes of one lane, which a popcount wants in its first cycle.
            return [word[lane * bits : (lane + 1) * bits] for lane in range(self.folding.pe)]
        return [self._skewed(m, word)] * self.folding.pe

    def _skewed(self, m: Module, word: Value) -> Value:
        """A word's bit planes side by side, each lane delayed by the cycles after which the popcount wants it."""
        simd, bits = self.folding.simd, self.layer.input.bits
        stages = plan(self.folding.simd, self.technology).lane_stages
        bound = Signal(len(word), name="x_word")
        m.d.comb += bound.eq(word)
        lanes = [bound[lane * bits + plane] for plane in range(bits) for lane in range(simd)]
        late = skew(m, lanes, stages * bits, "x_late")
        x = Signal(simd * bits, name="x_lanes")
        m.d.comb += x.eq(Cat(*late))
        return x

    def _weights(self, m: Module, address: Value) -> list[Value]:
        """Each processing element's weight lanes, all planes side by side."""
        folding, layer, simd = self.folding, self.layer, self.folding.simd
        planes = [pack_rows(plane.bits, folding.pe, simd) for plane in layer.weights]
        # (pe, depth, planes * simd)
        words = np.concatenate(planes, axis=2)
        stages = plan(self.folding.simd, self.technology).lane_stages * len(planes)
        registered = self.pipeline.read == 2
        if folding.memory == "lut":
            # One memory a processing element, each with its own copy of the address: fan-out, not storage, is scarce.
            outputs: list[Value] = []
            for n in range(folding.pe):
                rom = Rom(words[n], "lut", registered=registered, stages=stages)
                m.submodules[f"weights_{n}"] = rom
                m.d.comb += rom.address.eq(address)
                outputs.append(rom.data)
            return outputs
        width = words.shape[2]
        rom = Rom(
            words.transpose(1, 0, 2).reshape(words.shape[1], folding.pe * width),
            "block",
            registered=registered,
            stages=stages * folding.pe,
        )
        m.submodules.weights = rom
        m.d.comb += rom.address.eq(address)
        return [rom.data[n * width : (n + 1) * width] for n in range(folding.pe)]

    def _thresholds(self, m: Module, before_compare: Value) -> list[Value] | None:
        """Each processing element's thresholds in the cycle of their comparison, one after ``before_compare``."""
        activation = self.layer.activation
        if not isinstance(activation, Thresholds):
            return None
        pe, nf = self.folding.pe, self.pipeline.neuron_folds
        packed = pack_thresholds(activation.values, self.layer.accumulator_range)
        bits = np.zeros((nf * pe, packed.shape[1]), np.uint8)
        bits[: self.layer.neurons] = packed
        # The address runs two cycles ahead of the fold being compared, because the memories answer two cycles later.
        fold, following = Signal(range(nf)), Signal(range(nf))
        m.d.comb += following.eq(Mux(before_compare, successor(fold, nf), fold))
        m.d.sync += fold.eq(following)
        outputs: list[Value] = []
        for n in range(pe):
            rom = Rom(bits[n::pe], "lut", registered=True)
            m.submodules[f"thresholds_{n}"] = rom
            m.d.comb += rom.address.eq(following)
            outputs.append(rom.data)
        return outputs
