# amaranth: UnusedElaboratable=no
"""Quantizers and integer affines against NumPy, and the cycle of every word against their flow model."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnhw.ir import Affine as AffineLayer
from bnnhw.ir import DataType, Thresholds, sign
from bnnhw.ir import Quantize as QuantizeLayer
from bnnhw.ir.activation import FloatActivation
from bnnhw.units.affine.model import AffineUnit
from bnnhw.units.affine.rtl import Affiner
from bnnhw.units.quantize.model import QuantizeUnit
from bnnhw.units.quantize.rtl import Quantizer
from tests.hardware.bench import differences, join, register_bits, split
from tests.hardware.flow import check_cycles, random_arrivals, random_readiness
from tests.hardware.streams import Driver, Monitor

TRAFFIC = [(0, 0, 0), (0.3, 0, 0), (0, 0.5, 0), (0.4, 0.4, 0), (0, 0, 60)]
SIZES = [(1, 1), (3, 1), (5, 2), (4, 4), (3, 4), (7, 3)]
"""Channels and lanes."""


def quantizer(channels: int, dtype: str, output: str, seed: int) -> QuantizeLayer:
    """Thresholds of each channel's own, never and always met ones among them."""
    rng = np.random.default_rng(seed)
    code, out = DataType.parse(dtype), DataType.parse(output)
    values = np.sort(rng.integers(code.minimum, code.maximum + 2, (channels, out.levels - 1)), axis=1)
    return QuantizeLayer("layer", (channels, 3, 2), code, Thresholds(values, out))


def quantized(layer: QuantizeLayer, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Codes (positions, channels), by the definition: how many thresholds a value meets."""
    assert isinstance(layer.activation, Thresholds)
    level = (layer.input.values(codes)[:, :, None] >= layer.activation.values[None]).sum(axis=2)
    out = layer.output
    return level if out.kind != "int" else (level - out.levels // 2) % out.levels


def transformed(layer: AffineLayer, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    values = layer.input.values(codes) * layer.multiplier + layer.offset
    assert values.min() >= layer.output.minimum and values.max() <= layer.output.maximum
    return values % layer.output.levels


def check(
    dut: Quantizer | Affiner, due: list[NDArray[np.int64]], maps: list[NDArray[np.int64]], traffic: tuple, seed: int
) -> tuple[Driver, Monitor]:
    """Frames of codes (positions, channels) through a unit; every word and its cycles."""
    rng = random.Random(seed)
    gap, stall, deaf = traffic
    layer, lanes = dut.model.layer, dut.model.lanes
    sent: list[int] = []
    for codes in maps:
        for row in codes.tolist():
            padded = [*row, *(rng.getrandbits(layer.input.bits) for _ in range(-len(row) % lanes))]
            sent += [join(padded[k : k + lanes], layer.input.bits) for k in range(0, len(padded), lanes)]
    driver = Driver(sent, arrivals=random_arrivals(rng, len(sent), gap))
    monitor = Monitor(len(sent), readiness=random_readiness(rng, stall, deaf))
    check_cycles(dut, {"input": driver}, {"output": monitor}, dut.model.timing.flow, len(maps))
    channels = layer.shape[0]
    folds = -(-channels // lanes)
    rows = [row for codes in due for row in codes.tolist()]
    for position, row in enumerate(rows):
        words = monitor.words[position * folds : (position + 1) * folds]
        assert [v for w in words for v in split(w, lanes, layer.output.bits)][:channels] == row, position
    assert dut.model.timing.words == len(sent) // len(maps)
    return driver, monitor


def random_maps(layer: QuantizeLayer | AffineLayer, frames: int, seed: int) -> list[NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    channels, height, width = layer.shape
    return [rng.integers(0, layer.input.levels, (height * width, channels)) for _ in range(frames)]


@pytest.mark.parametrize("output", ["bipolar", "uint2", "int2", "uint3"])
@pytest.mark.parametrize("dtype", ["bipolar", "uint4", "int5", "int12"])
def test_quantize(dtype: str, output: str) -> None:
    for seed, (channels, lanes) in enumerate(SIZES):
        layer = quantizer(channels, dtype, output, seed)
        maps = random_maps(layer, 2, seed)
        traffic = TRAFFIC[(seed + len(dtype)) % len(TRAFFIC)]
        check(Quantizer(QuantizeUnit(layer, lanes)), [quantized(layer, m) for m in maps], maps, traffic, seed)


MULTIPLIERS = {
    "one": [1],
    "shifts": [1, 2, 8, -1, -4, 0],
    "negative": [-2],
    "small": [3, 1, -5, 0, 7, 2],
    "large": [100, -77, 1023, -1024],
    "positive": [3, 6, 12],
    "zero": [0],
}


@pytest.mark.parametrize("offset", [0, 1, 300])
@pytest.mark.parametrize("kind", MULTIPLIERS)
@pytest.mark.parametrize("dtype", ["bipolar", "uint4", "int9"])
def test_affine(dtype: str, kind: str, offset: int) -> None:
    rng = random.Random(f"{dtype} {kind} {offset}")
    for seed, (channels, lanes) in enumerate(rng.sample(SIZES, 3)):
        multiplier = np.array([rng.choice(MULTIPLIERS[kind]) for _ in range(channels)])
        offsets = np.array([rng.randint(-offset, offset) for _ in range(channels)])
        layer = AffineLayer("layer", (channels, 2, 2), DataType.parse(dtype), multiplier, offsets)
        maps = random_maps(layer, 2, seed)
        check(Affiner(AffineUnit(layer, lanes)), [transformed(layer, m) for m in maps], maps, rng.choice(TRAFFIC), seed)


def test_every_product() -> None:
    """All values of the input and many multipliers, each of them in a channel of its own."""
    multiplier = np.arange(-20, 21)
    layer = AffineLayer("layer", (41, 4, 8), DataType.parse("int5"), multiplier, 7 * multiplier)
    codes = np.repeat(np.arange(32)[:, None], 41, axis=1)
    check(Affiner(AffineUnit(layer, 6)), [transformed(layer, codes)], [codes], TRAFFIC[0], 0)


@pytest.mark.parametrize("traffic", TRAFFIC)
def test_cycles(traffic: tuple[float, float, int]) -> None:
    """Every mix of gaps and stalls; the interval and the latency without any."""
    units: list[Quantizer | Affiner] = [
        Quantizer(QuantizeUnit(quantizer(4, "uint4", "bipolar", 0), 4)),
        Quantizer(QuantizeUnit(quantizer(4, "uint4", "uint2", 0), 2)),
        Affiner(
            AffineUnit(
                AffineLayer("layer", (4, 3, 2), DataType.parse("int4"), np.array([1, -2, 5, 9]), np.arange(4)), 2
            )
        ),
    ]
    depths = [1 + 1 + 1, 2 + 2 + 1, 2 + 3 + 1 + 1]
    for dut, depth in zip(units, depths, strict=True):
        maps = random_maps(dut.model.layer, 3, 5)
        layer = dut.model.layer
        due = [quantized(layer, m) if isinstance(layer, QuantizeLayer) else transformed(layer, m) for m in maps]
        driver, monitor = check(dut, due, maps, traffic, 3)
        assert dut.model.timing.depth == depth
        if traffic == (0, 0, 0):
            assert set(differences(driver.accepted)) == {1}
            assert monitor.offered[dut.model.timing.words - 1] - driver.accepted[0] == dut.model.timing.latency
            assert set(differences(monitor.offered)) == {1}
        if traffic[2]:
            assert sum(cycle < traffic[2] for cycle in driver.accepted) == dut.model.timing.credits


def test_pipelines() -> None:
    def affine(multiplier: list[int], offset: list[int]) -> tuple[bool, int, int]:
        shape = (len(multiplier), 1, 1)
        layer = AffineLayer("layer", shape, DataType.parse("int4"), np.array(multiplier), np.array(offset))
        unit = AffineUnit(layer, 1)
        return unit.shifts, unit.timing.multiply, unit.timing.add

    assert affine([1, 1], [0, 0]) == (True, 0, 0)
    assert affine([1, 1], [0, 2]) == (True, 0, 1)
    assert affine([2, 0], [0, 0]) == (True, 1, 0)
    # The 1 of a negative shift is added; or the offset takes it back.
    assert affine([-2, 1], [0, 0]) == (True, 1, 1)
    assert affine([-2, 1], [-1, 0]) == (True, 1, 0)
    assert affine([3, 1], [0, 0]) == (False, 1, 0)
    assert affine([-3, 1], [0, 1]) == (False, 2, 1)
    assert affine([255, 1], [0, 0]) == (False, 3, 0)
    assert QuantizeUnit(quantizer(4, "int3", "bipolar", 0), 4).timing.read == 1
    assert QuantizeUnit(quantizer(5, "int3", "bipolar", 0), 4).timing.read == 2


def test_storage() -> None:
    """Wide elements pass through registers; only the queue's words are of the narrow output."""
    layer = quantizer(4, "int9", "bipolar", 0)
    p = QuantizeUnit(layer, 2).timing
    queue = p.credits * 2 + 2 * p.credits.bit_length() + 1
    constants = 2 * 1  # Each lane's copy of the address; the memory's own register is not counted.
    assert register_bits(Quantizer(QuantizeUnit(layer, 2))) == 2 * 2 * 9 + 3 + 1 + 2 + queue + constants


def test_errors() -> None:
    float_layer = QuantizeLayer("q", (3, 1, 1), DataType.parse("int4"), FloatActivation((), sign(3)))
    with pytest.raises(ValueError, match=r"^layer q must be streamlined$"):
        Quantizer(QuantizeUnit(float_layer, 1))
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        Quantizer(QuantizeUnit(quantizer(4, "int3", "bipolar", 0), 0))
    with pytest.raises(ValueError, match=r"^lanes must be positive, not -1$"):
        Affiner(AffineUnit(AffineLayer("a", (1, 1, 1), DataType.parse("int3"), np.array([1]), np.array([0])), -1))
