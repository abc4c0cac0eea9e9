"""The proofs of quantizers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnhw.ir import DataType, Quantize, Thresholds
from bnnhw.units.quantize.contract import QuantizeContract
from bnnhw.units.quantize.model import QuantizeUnit
from bnnhw.units.quantize.rtl import Quantizer
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _quantize(dtype: str, output: str, thresholds: list[list[int]], lanes: int) -> Callable[[], Quantizer]:
    activation = Thresholds(np.array(thresholds), DataType.parse(output))
    layer = Quantize("layer", (len(thresholds), 1, 1), DataType.parse(dtype), activation)
    return lambda: Quantizer(QuantizeUnit(layer, lanes))


PROOFS: dict[str, Case] = {
    "quantize": Case(QuantizeContract, _quantize("int2", "bipolar", [[1], [-1], [2]], 2), quick=True, faults=8),
    "quantize-levels": Case(QuantizeContract, _quantize("uint2", "int2", [[0, 1, 3], [2, 2, 4]], 1)),
    "quantize-one-word": Case(QuantizeContract, _quantize("bipolar", "bipolar", [[1], [0]], 2)),
}
