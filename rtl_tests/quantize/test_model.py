"""The model of quantizers: cycles of its parts, and what it refuses."""

from __future__ import annotations

import pytest

from bnnhw.dataflow import Resources
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


def test_cost() -> None:
    """Comparators, ROMs of thresholds of four bits, registers between them, the queue; 20 of either for control."""
    # One word per position: thresholds are constants. A comparator of 4 bits per lane; 3 bits in front, 1 behind.
    one = QuantizeUnit(quantizer(4, "int3", "bipolar", 0), 4).resources()
    assert one == Resources(4 * 4 + 20 + 3 * 4, 4 * (3 + 1) + 20 + 4 * 4, 0)
    # Three words: a table and a register per bit of thresholds, one cycle more, a place more in the queue.
    three = QuantizeUnit(quantizer(5, "int3", "bipolar", 0), 2).resources()
    assert three == Resources(2 * (4 + 4) + 20 + 4 * 2, 2 * (2 * 3 + 1 + 4) + 20 + 5 * 2, 0)
    # Three thresholds per lane, which are counted by two tables each; 2 bits behind two cycles; six places of 8 bits.
    levels = QuantizeUnit(quantizer(5, "int3", "uint2", 0), 4).resources()
    assert levels == Resources(4 * (12 + 12 + 6) + 20 + 5 * 8, 4 * (2 * 3 + 2 * 2 + 12) + 20 + 6 * 8, 0)
    # 20 words per position: a table of 16 words is not enough for a bit.
    deep = QuantizeUnit(quantizer(20, "int3", "bipolar", 0), 1).resources()
    assert deep == Resources(4 + 10 + 20 + 4, 2 * 3 + 1 + 4 + 20 + 5, 0)


def test_errors() -> None:
    float_layer = Quantize("q", (3, 1, 1), DataType.parse("int4"), FloatActivation((), sign(3)))
    with pytest.raises(ValueError, match=r"^layer q must be streamlined$"):
        QuantizeUnit(float_layer, 1)
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        QuantizeUnit(quantizer(4, "int3", "bipolar", 0), 0)
