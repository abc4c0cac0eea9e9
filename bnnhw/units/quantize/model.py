"""The quantizer of elements: its streams, cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.inventory import Inventory, element_inventory, levels_inventory, rom, sums
from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import ElementTiming
from bnnhw.ir import Quantize, Thresholds
from bnnhw.ir.types import narrowest

if TYPE_CHECKING:
    from bnnhw.units.quantize.rtl import Quantizer

__all__ = ["QuantizeUnit"]


@dataclass(frozen=True)
class QuantizeUnit(Unit):
    """Compares elements with their channel's thresholds; an element's code is how many it meets.

    Parameters
    ----------
    layer : Quantize
        Streamlined.
    lanes : int
        Elements per word.
    """

    kind = "quantize"

    layer: Quantize
    lanes: int

    def __post_init__(self) -> None:
        if not isinstance(self.layer.activation, Thresholds):
            raise ValueError(f"layer {self.layer.name} must be streamlined")
        if self.lanes < 1:
            raise ValueError(f"lanes must be positive, not {self.lanes}")

    @property
    def thresholds(self) -> Thresholds:
        """One row per channel."""
        assert isinstance(self.layer.activation, Thresholds)
        return self.layer.activation

    @property
    def folds(self) -> int:
        """Words per position."""
        return -(-self.layer.shape[0] // self.lanes)

    @cached_property
    def timing(self) -> ElementTiming:  # pyright: ignore[reportIncompatibleMethodOverride]
        """1 cycle for one threshold per channel, 2 for more; constants are in a memory if there is a choice."""
        words = self.layer.shape[1] * self.layer.shape[2] * self.folds
        return ElementTiming(words, 1 if self.folds == 1 else 2, 1 if self.layer.output.levels == 2 else 2)

    @property
    def inputs(self) -> tuple[StreamFormat]:
        return (self._format(self.layer.input.bits),)

    @property
    def outputs(self) -> tuple[StreamFormat]:
        return (self._format(self.layer.output.bits),)

    def _format(self, bits: int) -> StreamFormat:
        channels, height, width = self.layer.shape
        return StreamFormat(self.lanes, bits, channels, channels * height * width)

    def inventory(self) -> Inventory:
        layer, t, lanes = self.layer, self.timing, self.lanes
        levels, low, high = layer.output.levels - 1, layer.input.minimum, layer.input.maximum
        width = narrowest(low, high + 1)[0]
        found = element_inventory(t, lanes, layer.input.bits, layer.output.bits, self.folds)
        found += rom("table", self.folds, lanes * levels * width, lanes)
        kind = "quantize.constant" if self.folds == 1 else "quantize"
        return found + lanes * (sums(kind, width, levels) + levels_inventory(levels))

    def component(self) -> Quantizer:
        from bnnhw.units.quantize.rtl import Quantizer

        return Quantizer(self)
