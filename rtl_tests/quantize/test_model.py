"""The model of quantizers: cycles of its parts, and what it refuses."""

from __future__ import annotations

import pytest

from bnnhw.ir import DataType, Quantize, sign
from bnnhw.ir.activation import FloatActivation
from bnnhw.units.quantize.model import QuantizeUnit
from rtl_tests.quantize.layers import quantizer


def test_timing() -> None:
    """Constants are read from a memory where there is a choice; more than one threshold takes a second cycle."""
    assert QuantizeUnit(quantizer(4, "int3", "bipolar", 0), 4).timing.read == 1
    assert QuantizeUnit(quantizer(5, "int3", "bipolar", 0), 4).timing.read == 2
    assert QuantizeUnit(quantizer(5, "int3", "bipolar", 0), 4).timing.compute == 1
    assert QuantizeUnit(quantizer(5, "int3", "uint2", 0), 4).timing.compute == 2


def test_streams() -> None:
    unit = QuantizeUnit(quantizer(5, "int3", "uint2", 0), 4)
    assert (unit.inputs[0].words, unit.outputs[0].words, unit.timing.words) == (12, 12, 12)
    assert (unit.inputs[0].width, unit.outputs[0].width) == (4 * 3, 4 * 2)


def test_errors() -> None:
    float_layer = Quantize("q", (3, 1, 1), DataType.parse("int4"), FloatActivation((), sign(3)))
    with pytest.raises(ValueError, match=r"^layer q must be streamlined$"):
        QuantizeUnit(float_layer, 1)
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        QuantizeUnit(quantizer(4, "int3", "bipolar", 0), 0)
