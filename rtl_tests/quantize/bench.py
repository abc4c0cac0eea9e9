"""What is simulated of quantizers."""

from __future__ import annotations

import numpy as np

from bnnhw.ir import DataType, Quantize, Thresholds
from bnnhw.units.quantize.model import QuantizeUnit
from rtl_tests.case import StreamUnit
from rtl_tests.elementwise import ElementModel

__all__ = ["UNITS"]


def _quantize(name: str, layer: Quantize, lanes: int) -> StreamUnit:
    unit = QuantizeUnit(layer, lanes)
    t = unit.timing
    return StreamUnit(name, unit.component, ElementModel(layer, lanes), t.interval, t.latency, t.credits)


_THRESHOLDS = np.sort(np.random.default_rng(8).integers(-32, 33, (5, 3)), axis=1)

UNITS = (
    _quantize(
        "quantize",
        Quantize("quantize", (5, 2, 3), DataType.parse("int6"), Thresholds(_THRESHOLDS, DataType.parse("int2"))),
        2,
    ),
)
