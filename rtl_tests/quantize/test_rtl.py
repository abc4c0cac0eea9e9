# amaranth: UnusedElaboratable=no
"""Quantizers against NumPy, and the cycle of every word against their flow model."""

from __future__ import annotations

import pytest

from bnnhw.units.quantize.model import QuantizeUnit
from bnnhw.units.quantize.rtl import Quantizer
from rtl_tests.elementwise import SIZES, TRAFFIC, check, check_mix, random_maps
from rtl_tests.quantize.layers import quantized, quantizer
from rtl_tests.storage import register_bits


@pytest.mark.parametrize("output", ["bipolar", "uint2", "int2", "uint3"])
@pytest.mark.parametrize("dtype", ["bipolar", "uint4", "int5", "int12"])
def test_quantize(dtype: str, output: str) -> None:
    for seed, (channels, lanes) in enumerate(SIZES):
        layer = quantizer(channels, dtype, output, seed)
        maps = random_maps(layer, 2, seed)
        traffic = TRAFFIC[(seed + len(dtype)) % len(TRAFFIC)]
        check(Quantizer(QuantizeUnit(layer, lanes)), [quantized(layer, m) for m in maps], maps, traffic, seed)


@pytest.mark.parametrize("traffic", TRAFFIC)
def test_cycles(traffic: tuple[float, float, int]) -> None:
    """Every mix of gaps and stalls; the interval and the latency without any."""
    for output, lanes, depth in (("bipolar", 4, 1 + 1 + 1), ("uint2", 2, 2 + 2 + 1)):
        layer = quantizer(4, "uint4", output, 0)
        check_mix(
            Quantizer(QuantizeUnit(layer, lanes)), lambda codes, layer=layer: quantized(layer, codes), depth, traffic
        )


def test_storage() -> None:
    """Wide elements pass through registers; only the queue's words are of the narrow output."""
    layer = quantizer(4, "int9", "bipolar", 0)
    p = QuantizeUnit(layer, 2).timing
    queue = p.credits * 2 + 2 * p.credits.bit_length() + 2
    constants = 2 * 1  # Each lane's copy of the address; the memory's own register is not counted.
    assert register_bits(Quantizer(QuantizeUnit(layer, 2))) == 2 * 2 * 9 + 3 + 1 + 2 + queue + constants
