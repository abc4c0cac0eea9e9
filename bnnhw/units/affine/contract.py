"""What is proved of the affine unit: every element is multiplied, and offset, by its channel's constants."""

from __future__ import annotations

from amaranth.hdl import Value

from bnnhw.rtl.elementwise_contract import ElementwiseContract
from bnnhw.rtl.golden import number, sized
from bnnhw.units.affine.rtl import Affiner

__all__ = ["AffineContract"]


class AffineContract(ElementwiseContract):
    """The contract of :class:`~bnnhw.units.affine.rtl.Affiner`."""

    def __init__(self, unit: Affiner) -> None:
        self._affine = unit.model.layer
        super().__init__(unit, unit.model.layer, unit.model.lanes, unit.model.timing)

    def element(self, code: Value, channel: int) -> Value:
        layer = self._affine
        value = number(code, layer.input) * int(layer.multiplier[channel]) + int(layer.offset[channel])
        return sized(value, layer.output.bits)
