"""The matrix-vector unit in which several vectors share a weight word."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Value
from amaranth.lib import wiring

from bnnhw.rtl.registers import delayed
from bnnhw.units.mvu.batch_replay import BatchReplay
from bnnhw.units.mvu.batch_timing import BatchTiming
from bnnhw.units.mvu.reorder import Reorder
from bnnhw.units.mvu.rtl import Mvu

__all__ = ["BatchMvu"]


class BatchMvu(Mvu):
    """Multiplies up to M vectors at once by a binary matrix: PE neurons of each by SIMD synapses per cycle.

    A word of weights goes to M * PE processing elements in place of PE, so that M vectors take as many reads of the
    weights as one. With the words of :class:`~bnnhw.units.mvu.rtl.Mvu`, and L the depth of the pipeline
    (:class:`~bnnhw.units.mvu.batch_timing.BatchTiming`):

    - Input, output: the words of one vector after another, as of the unit with M = 1.
    - A round goes over all weights for a batch of 1 to M vectors: those that are whole when the unit is free. It never
      waits for a vector, since none may come; lanes without one do nothing and give no words.
    - II = SF * NF * P cycles per batch, so M vectors where as many come, without a bubble between batches.
    - Latency = SF - 1 + SF * NF * P + L cycles, of a lone vector.
    - Stalls: the last word of each neuron fold is issued when the queues of all lanes have room for a result; nothing
      else waits within a round. The input is accepted until the buffers are full.
    - Storage: N * K weight bits; ``buffer_words`` input words, and one; M * ``credits`` output words, and five;
      thresholds.

    Members
    -------
    input, output : streams
        Those of :class:`~bnnhw.units.mvu.rtl.Mvu`.
    """

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = self.model.timing
        assert isinstance(p, BatchTiming)
        width = len(self.input.payload)
        m.submodules.queue = out = Reorder(p, len(self.output.payload), self.technology)
        wiring.connect(m, out.output, wiring.flipped(self.output))

        m.submodules.replay = issued = BatchReplay(p, width, self.technology)
        begins = issued.active & issued.last.replicate(p.vectors)
        m.d.comb += [
            issued.input.valid.eq(self.input.valid),
            issued.input.payload.eq(self._with_padding(self.input.payload, issued.position)),
            self.input.ready.eq(issued.input.ready),
            issued.grant.eq(out.grant),
            out.begin.eq(begins),
        ]
        weights = self._weights(m, issued.address, platform)
        inputs: list[Value] = []
        for lane in range(p.vectors):
            word = issued.words[lane * width : (lane + 1) * width]
            inputs += self._inputs(m, word, issued.plane, platform, f"x{lane}")

        # Lanes without a vector count along: what they give is not pushed.
        flags = Cat(issued.issue, issued.ends, issued.last)
        before_count = p.read + p.count + p.combine - 2
        counting = delayed(m, flags if p.serial > 1 else flags[:2], before_count, "counting")
        controls = self._copies(m, counting, platform, "control", elements=len(inputs))
        before_compare = delayed(m, counting[-1], 1 + p.accumulate + p.shift_add, "ending")
        thresholds = self._thresholds(m, before_compare, platform)
        results = self._results(m, inputs, weights, controls, thresholds, platform)
        in_time = before_count + 1 + p.accumulate + p.shift_add + 1 + p.threshold
        m.d.comb += [out.push.eq(delayed(m, begins, in_time, "push")), out.payload.eq(Cat(*results))]
        return m
