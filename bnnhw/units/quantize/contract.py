"""What is proved of the quantizer: every element's code is how many of its channel's thresholds it meets."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Const, Mux, Value

from bnnhw.rtl.elementwise_contract import ElementwiseContract
from bnnhw.rtl.golden import number, sized
from bnnhw.units.quantize.rtl import Quantizer

__all__ = ["QuantizeContract"]


class QuantizeContract(ElementwiseContract):
    """The contract of :class:`~bnnhw.units.quantize.rtl.Quantizer`."""

    def __init__(self, unit: Quantizer) -> None:
        self._thresholds = unit.model.thresholds
        super().__init__(unit, unit.model.layer, unit.model.lanes, unit.model.timing)

    def element(self, code: Value, channel: int) -> Value:
        value, output = number(code, self._layer.input), self._layer.output
        level: Value = Const(0)
        for threshold in self._thresholds.values[channel]:
            level = level + (value >= int(threshold))
        due: Value = Const(0, output.bits)
        for reached in range(output.levels):
            due = Mux(level == reached, int(output.codes(np.array(reached))), due)
        return sized(due, output.bits)
