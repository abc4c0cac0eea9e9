"""The channel inverter: its streams, cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.inventory import Inventory, mask_inventory
from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import WireTiming
from bnnhw.ir import MaxPool

if TYPE_CHECKING:
    from bnnhw.units.invert.rtl import ChannelInverter

__all__ = ["InvertUnit"]


@dataclass(frozen=True)
class InvertUnit(Unit):
    """Complements the channels of which a pooling layer takes the minimum; in front of its window unit.

    Parameters
    ----------
    layer : MaxPool
    lanes : int
        Elements per word.
    """

    kind = "invert"

    layer: MaxPool
    lanes: int

    def __post_init__(self) -> None:
        if self.lanes < 1:
            raise ValueError(f"lanes must be positive, not {self.lanes}")

    @property
    def timing(self) -> WireTiming:
        return WireTiming(self.inputs[0].words)

    @property
    def inputs(self) -> tuple[StreamFormat]:
        window = self.layer.window
        return (StreamFormat(self.lanes, self.layer.input.bits, window.channels, window.elements),)

    @property
    def outputs(self) -> tuple[StreamFormat]:
        return self.inputs

    def inventory(self) -> Inventory:
        return mask_inventory(self.layer.minimum, self.lanes) + Inventory(
            {"invert.bit": self._inverted * self.layer.input.bits}
        )

    @property
    def _inverted(self) -> int:
        """Lanes that hold a channel of either kind, or one that is always complemented."""
        folds = -(-len(self.layer.minimum) // self.lanes)
        return self.lanes if folds > 1 else int(self.layer.minimum.sum())

    def component(self) -> ChannelInverter:
        from bnnhw.units.invert.rtl import ChannelInverter

        return ChannelInverter(self)
