# amaranth: UnusedElaboratable=no
"""Integer affines against NumPy, and the cycle of every word against their flow model."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnhw.ir import Affine, DataType
from bnnhw.units.affine.model import AffineUnit
from bnnhw.units.affine.rtl import Affiner
from rtl_tests.elementwise import SIZES, TRAFFIC, check, check_mix, random_maps


def transformed(layer: Affine, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    values = layer.input.values(codes) * layer.multiplier + layer.offset
    assert values.min() >= layer.output.minimum and values.max() <= layer.output.maximum
    return values % layer.output.levels


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
        layer = Affine("layer", (channels, 2, 2), DataType.parse(dtype), multiplier, offsets)
        maps = random_maps(layer, 2, seed)
        check(Affiner(AffineUnit(layer, lanes)), [transformed(layer, m) for m in maps], maps, rng.choice(TRAFFIC), seed)


def test_every_product() -> None:
    """All values of the input and many multipliers, each of them in a channel of its own."""
    multiplier = np.arange(-20, 21)
    layer = Affine("layer", (41, 4, 8), DataType.parse("int5"), multiplier, 7 * multiplier)
    codes = np.repeat(np.arange(32)[:, None], 41, axis=1)
    check(Affiner(AffineUnit(layer, 6)), [transformed(layer, codes)], [codes], TRAFFIC[0], 0)


@pytest.mark.parametrize("traffic", TRAFFIC)
def test_cycles(traffic: tuple[float, float, int]) -> None:
    """Every mix of gaps and stalls; the interval and the latency without any."""
    layer = Affine("layer", (4, 3, 2), DataType.parse("int4"), np.array([1, -2, 5, 9]), np.arange(4))
    dut = Affiner(AffineUnit(layer, 2))
    check_mix(dut, lambda codes: transformed(layer, codes), 2 + 3 + 1 + 1, traffic)
