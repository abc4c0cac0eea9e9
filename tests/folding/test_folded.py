"""What can't be folded is refused by one whole message that names the layer and what would do."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.errors import FoldingError
from bnnhw.folding import ENGINES, FoldedNetwork, LayerFolding
from bnnhw.ir import BatchNorm, Dense, InputSpec, Network, Output
from bnnhw.ir.activation import batch_norm_sign
from bnnhw.ir.types import DataType
from bnnhw.lowering.builder import Builder
from bnnhw.units.mvu.model import MvuUnit
from tests.layers import MapNetwork, random_layer


def network(streamlined: bool = True) -> Network:
    """12 inputs, 10 neurons, 3 classes."""
    rng = np.random.default_rng(0)
    first = random_layer(rng, 10, 12, name="fc1")
    last = random_layer(rng, 3, 10, output=None, name="fc2")
    if not streamlined:
        ones, zeros = np.ones(10), np.zeros(10)
        first = Dense("fc1", first.input, first.weights, batch_norm_sign(BatchNorm(ones, zeros, zeros, ones, 0.0)))
    return Network(InputSpec((12,), DataType.parse("bipolar")), (first, last, Output.plain("out", 3)))


def refused(message: str) -> object:
    return pytest.raises(FoldingError, match=rf"^{re.escape(message)}$")


@pytest.mark.parametrize(
    "first, last, message",
    [
        ((11, 4), (1, 1), "layer fc1: PE must be at most 10, not 11; nearest without padding: 10"),
        ((1, 13), (1, 1), "layer fc1: SIMD must be at most 12, not 13; nearest without padding: 12"),
        ((1, 1), (4, 1), "layer fc2: PE must be at most 3, not 4; nearest without padding: 3"),
        ((1, 1), (1, 100), "layer fc2: SIMD must be at most 10, not 100; nearest without padding: 10"),
    ],
)
def test_too_large(first: tuple[int, int], last: tuple[int, int], message: str) -> None:
    with refused(message):
        FoldedNetwork(network(), (LayerFolding(*first), LayerFolding(*last)))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_wrong_number_of_layers(count: int) -> None:
    with refused(f"folding: must have 2 layers, not {count}"):
        FoldedNetwork(network(), (LayerFolding(1, 1),) * count)


def test_not_streamlined() -> None:
    with refused("only a streamlined network can be folded: run the streamlining passes first"):
        FoldedNetwork(network(streamlined=False), (LayerFolding(1, 1),) * 2)


@pytest.mark.parametrize("pe, simd", [(0, 1), (1, 0), (-3, 4)])
def test_not_positive(pe: int, simd: int) -> None:
    with refused(f"folding: PE and SIMD must be positive, not {pe} and {simd}"):
        LayerFolding(pe, simd)


@pytest.mark.parametrize("memory", ["SPRAM", "LUT", ""])
def test_unknown_memory(memory: str) -> None:
    with refused(f"folding: memory must be one of lut, block, spram, not {memory!r}"):
        LayerFolding(1, 1, memory)


def test_what_is_writable_is_in_a_memory() -> None:
    with refused("folding: memory must be one of block, spram where weights are writable, not 'lut'"):
        LayerFolding(1, 1, "lut", writable=True)


def test_unknown_engine() -> None:
    with refused("folding: engine must be one of folded, lookup, spatial, not 'systolic'"):
        LayerFolding(1, 1, "lut", "systolic")


def test_unknown_order_of_planes() -> None:
    with refused("folding: planes must be one of parallel, serial, not 'both'"):
        LayerFolding(1, 1, planes="both")


def unit(matrix: Dense, folding: LayerFolding) -> MvuUnit:
    return MvuUnit(matrix, folding, technology("generic"))


def test_interval() -> None:
    """SF * NF, and as many times that as planes are taken one after another."""
    layer = random_layer(np.random.default_rng(0), 10, 12, "uint3")
    assert unit(layer, LayerFolding(4, 5)).timing.interval == 9
    assert unit(layer, LayerFolding(4, 5, planes="serial")).timing.interval == 27
    bits = random_layer(np.random.default_rng(0), 10, 12)
    assert unit(bits, LayerFolding(4, 5, planes="serial")).timing.interval == 9


@pytest.mark.parametrize("pe, simd, folds", [(1, 1, (10, 12)), (10, 12, (1, 1)), (3, 5, (4, 3)), (9, 11, (2, 2))])
def test_folds(pe: int, simd: int, folds: tuple[int, int]) -> None:
    """What does not divide is padded: both folds are rounded up."""
    folded = FoldedNetwork(network(), (LayerFolding(pe, simd), LayerFolding(1, 1)))
    timing = unit(*folded.pairs[0]).timing
    assert (timing.neuron_folds, timing.synapse_folds) == folds
    assert [pair[0].name for pair in folded.pairs] == ["fc1", "fc2"]


@pytest.mark.parametrize(
    "neurons, fold, message",
    [
        (4, (2, 3), "layer conv0: SIMD of a depthwise convolution must be 1, not 3"),
        (
            16,
            (3, 1),
            "layer conv0: PE of a depthwise convolution must be a divisor or a multiple of its 4 neurons per channel, "
            "not 3; nearest: 2 or 4",
        ),
        (
            16,
            (15, 1),
            "layer conv0: PE of a depthwise convolution must be a divisor or a multiple of its 4 neurons per channel, "
            "not 15; nearest: 12 or 16",
        ),
        (4, (5, 1), "layer conv0: PE must be at most 4, not 5; nearest without padding: 4"),
        (4, (1, 10), "layer conv0: SIMD must be at most 9, not 10; nearest without padding: 9"),
    ],
)
def test_depthwise(neurons: int, fold: tuple[int, int], message: str) -> None:
    network = MapNetwork((4, 4, 4)).conv(neurons, (3, 3), fold, depthwise=True).dense(2, (1, 1), None)
    assert isinstance(network, MapNetwork)
    with refused(message):
        network.folded()


@pytest.mark.parametrize("pe", [1, 2, 3, 6, 12, 18, 24])
def test_parts_of_a_channel_or_whole_channels(pe: int) -> None:
    network = MapNetwork((4, 4, 4)).conv(24, (3, 3), (pe, 1), depthwise=True).dense(2, (1, 1), None)
    assert isinstance(network, MapNetwork)
    folded = network.folded()
    found = ENGINES.named("folded").unit(folded.layers[0], folded.foldings[0], technology("generic"))
    assert found.inputs[0].lanes == {1: 1, 2: 1, 3: 1, 6: 1, 12: 2, 18: 3, 24: 4}[pe]
    assert found.timing.interval == 9 * {1: 24, 2: 12, 3: 8, 6: 4, 12: 2, 18: 2, 24: 1}[pe]


def test_vectors() -> None:
    """A convolution multiplies its matrix once a position; the slowest unit bounds a frame."""
    network = MapNetwork((2, 5, 4)).conv(6, (2, 3), (4, 3)).dense(3, (1, 5), None)
    assert isinstance(network, MapNetwork)
    folded = network.folded()
    assert [layer.vectors for layer in folded.layers] == [4 * 2, 1]
    foldings = {layer.name: folding for layer, folding in zip(folded.layers, folded.foldings, strict=True)}
    assert Builder(folded.network, foldings, technology("generic"), {}).bound == 8 * 4 * 2
    assert [layer.name for layer in folded.layers if layer.window is not None] == ["conv0"]
