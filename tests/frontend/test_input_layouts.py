"""Samples whose channels are not first: turned in front of the first layer, before or behind a quantizer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.frontend.chain_models import DEVIATION, MEAN, Chain, check, integers

LAST: dict[str, tuple[tuple[int, ...], Callable[[Chain], Chain], int, tuple[int, ...], str]] = {
    "before": ((4, 4, 3), lambda c: c.turn().quant(4).conv(4, 3, 2, 2), 36, (3, 4, 4), "hwc"),
    "behind": ((4, 4, 3), lambda c: c.quant(4).turn().conv(4, 3, 2, 2), 36, (3, 4, 4), "hwc"),
    "normalized": (
        (4, 4, 3),
        lambda c: c.add("Sub", MEAN).add("Div", DEVIATION).turn().quant(4).conv(4, 3, 2, 2),
        36, (3, 4, 4), "hwc",
    ),
    "normalized behind": (
        (4, 4, 3),
        lambda c: c.turn()
        .add("BatchNormalization", [1, -2, 0.5], MEAN, DEVIATION, [1, 2, 3])
        .quant(4)
        .conv(4, 3, 2, 2),
        36, (3, 4, 4), "hwc",
    ),
    "scaled between": (
        (4, 4, 3),
        lambda c: c.quant(4).add("Mul", [1, 2, 3]).turn().conv(4, 3, 2, 2),
        36, (3, 4, 4), "hwc",
    ),
    "dense": ((4, 4, 3), lambda c: c.quant(4), 48, (4, 4, 3), "chw"),
    "signal": ((9, 2), lambda c: c.turn(2, 1).quant(4).conv(4, 2, 3), 28, (2, 1, 9), "hwc"),
    "list": (
        (48,),
        lambda c: c.add("Reshape", np.array([1, 4, 4, 3])).add("Sub", MEAN).quant(4)
        .turn().conv(4, 3, 2, 2),
        36, (3, 4, 4), "hwc",
    ),
    "list of a map": (
        (48,),
        lambda c: c.add("Reshape", np.array([1, 3, 4, 4])).quant(4).add("Mul", np.float32([1, 2, 3]).reshape(3, 1, 1))
        .conv(4, 3, 2, 2),
        36, (3, 4, 4), "chw",
    ),
    "one channel": (
        (4, 4, 1),
        lambda c: c.add("Reshape", np.array([-1, 1, 4, 4])).quant(4).conv(4, 1, 2, 2),
        36, (1, 4, 4), "chw",
    ),
    "turned": ((4, 2, 3), lambda c: c.turn(3, 2, 1).quant(4).conv(4, 3, 2, 2), 12, (3, 2, 4), "whc"),
}  # fmt: skip


@pytest.mark.parametrize("name", LAST)
def test_channels_last(tmp_path: Path, name: str) -> None:
    shape, build, elements, taken, layout = LAST[name]
    network = check(build(Chain(*shape)).end(elements), tmp_path)
    assert (network.input.shape, network.input.layout) == (taken, layout)


def test_integers_with_channels_last(tmp_path: Path) -> None:
    chain = Chain(4, 4, 3).turn().conv(4, 3, 2, 2)
    network = check(chain.end(36), tmp_path, integers(-8, 7), input_type="int4")
    assert network.input.sample_shape == (4, 4, 3) and network.input.thresholds is None
