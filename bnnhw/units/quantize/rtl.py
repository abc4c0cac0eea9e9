"""Thresholds element by element, each channel with its own."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Module, Value
from numpy.typing import NDArray

from bnnhw.rtl.elementwise import Elementwise
from bnnhw.rtl.emit import shared
from bnnhw.rtl.threshold import Threshold, pack_thresholds
from bnnhw.units.quantize.model import QuantizeUnit

__all__ = ["Quantizer"]


class Quantizer(Elementwise):
    """Compares elements with their channel's thresholds; an element's code is how many it meets.

    With ``t`` of :attr:`model.timing`:

    - Input, output: ``t.words`` words per frame; channel ``c`` of a position is lane ``c % lanes`` of its word
      ``c // lanes``. Lanes past the last channel are undefined.
    - II = 1 word per cycle. Latency of a word = ``t.depth``.
    - Stalls: accepts a word while fewer than ``t.credits`` are accepted and not taken.
    - Storage: the thresholds in logic; ``t.credits`` output words, and the registers of the pipeline.

    Parameters
    ----------
    model : QuantizeUnit

    Members
    -------
    input : stream of ``unsigned(lanes * layer.input.bits)``
    output : stream of ``unsigned(lanes * layer.output.bits)``
    """

    def __init__(self, model: QuantizeUnit) -> None:
        self.model = model
        layer = model.layer
        self._thresholds = model.thresholds
        self._range = layer.input.minimum, layer.input.maximum
        super().__init__(model.lanes, layer.input, layer.output, model.timing)

    def constants(self) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
        bits = pack_thresholds(self._thresholds.values, self._range)
        return bits, (0,) * bits.shape[1]

    def result(self, m: Module, platform: object, lane: int, value: Value, constants: Value) -> Value:
        unit = Threshold(self._range, self._thresholds.dtype)
        m.submodules[f"threshold_{lane}"] = shared(platform, unit)
        m.d.comb += [unit.value.eq(value), unit.thresholds.eq(constants)]
        return unit.code
