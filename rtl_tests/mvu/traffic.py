"""Random vectors for a matrix-vector unit, and the results that must come of them."""

from __future__ import annotations

import random
from math import ceil

import numpy as np

from bnnhw.units.mvu.rtl import Mvu
from rtl_tests.golden import accumulators, activations
from rtl_tests.lanes import join_words, split

__all__ = ["Traffic"]


class Traffic:
    """Random frames: their words, and how to read the words that must come of them."""

    def __init__(self, unit: Mvu, seed: int) -> None:
        self.unit = unit
        self.layer = unit.model.matrix
        self.rng = np.random.default_rng(seed)

    def frames(self, count: int) -> tuple[list[int], np.ndarray]:
        """Input words of some frames, and the codes or accumulators (frames, neurons) they must give."""
        dtype = self.layer.input
        codes = self.rng.integers(0, dtype.levels, (count, self.layer.synapses))
        noise = random.Random(count)
        words = [
            word
            for frame in codes
            for word in join_words(frame.tolist(), dtype.bits, self.unit.model.folding.simd, noise)
        ]
        return words, activations(self.layer, accumulators(self.layer, codes))

    def read(self, words: list[int]) -> np.ndarray:
        """Output words -> codes or accumulators (frames, neurons)."""
        lanes = [lane for word in words for lane in split(word, self.unit.model.lane_bits, self.unit.model.folding.pe)]
        folds = ceil(self.layer.neurons / self.unit.model.folding.pe)
        values = np.array(lanes, np.int64).reshape(-1, folds * self.unit.model.folding.pe)[:, : self.layer.neurons]
        if self.layer.activation is None and self.layer.accumulator_range[0] < 0:
            values = np.where(
                values >> (self.unit.model.lane_bits - 1) == 1, values - 2**self.unit.model.lane_bits, values
            )
        return values
