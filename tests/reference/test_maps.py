"""Layers over feature maps: the fast reference against nested loops, and against PyTorch's convolution."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import NetworkError
from bnnhw.ir import (
    Affine,
    BatchNorm,
    BitMatrix,
    Conv2d,
    DataType,
    Dense,
    InputSpec,
    Layer,
    MaxPool,
    Network,
    Output,
    Quantize,
    Residual,
    SumPool,
    Thresholds,
    WeightPlane,
    Window,
    batch_norm_sign,
)
from bnnhw.ir.layer import walk
from bnnhw.reference import evaluate, evaluate_trained, trace
from bnnhw.reference.conv import Convolution
from tests.map_strategies import map_networks
from tests.reference import naive
from tests.strategies import fixed, frames

BIPOLAR = DataType("bipolar", 1)


def weights(generator: np.random.Generator, neurons: int, synapses: int) -> tuple[WeightPlane, ...]:
    return (WeightPlane(1, BitMatrix.from_bits(generator.integers(0, 2, (neurons, synapses)))),)


def middle(layer: Dense, generator: np.random.Generator) -> Dense:
    """The same layer with a threshold per neuron near the middle of its range."""
    low, high = layer.accumulator_range
    spread = (low + high) // 2 + generator.integers(-3, 4, (layer.neurons, 1))
    return Dense(layer.name, layer.input, layer.weights, Thresholds(np.clip(spread, low, high + 1), BIPOLAR))


@fixed
@given(st.data())
def test_equals_nested_loops(data: st.DataObject) -> None:
    network = data.draw(map_networks(streamlined=True))
    codes = data.draw(frames(network, 3))
    expected = [naive.run(network, frame) for frame in codes.tolist()]
    results = trace(network, codes)
    assert list(results) == [layer.name for layer in walk(network.layers)]
    for name, array in results.items():
        assert array.tolist() == [frame[name] for frame in expected]
    scores = evaluate(network, codes, batch=2)
    assert scores.scores.tolist() == [frame["output"] for frame in expected]
    assert scores.classes.tolist() == [naive.winner(frame["output"]) for frame in expected]
    assert all(array.shape == (0, results[name].shape[1]) for name, array in trace(network, codes[:0]).items())


@fixed
@given(st.data(), st.booleans())
def test_trained_formula_equals_nested_loops(data: st.DataObject, general: bool) -> None:
    network = data.draw(map_networks(streamlined=False, general=general))
    codes = data.draw(frames(network, 3))
    expected = [naive.run_trained(network, frame) for frame in codes.tolist()]
    assert evaluate_trained(network, codes, batch=2).scores.tolist() == expected


GEOMETRIES = list(
    itertools.product(
        [(1, 1), (3, 3), (2, 4), (1, 5)],  # kernel
        [(1, 1), (2, 1), (3, 2)],  # stride
        [(1, 1), (2, 3)],  # dilation
        [(0, 0), (1, 2)],  # padding, the same on both sides
        [False, True],  # depthwise
    )
)


@pytest.mark.parametrize("kernel, stride, dilation, padding, depthwise", GEOMETRIES)
@pytest.mark.parametrize("kind, bits, code", [("bipolar", 1, 1), ("uint", 8, 200), ("int", 4, 9)])
def test_convolution_equals_pytorch(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: tuple[int, int],
    depthwise: bool,
    kind: str,
    bits: int,
    code: int,
) -> None:
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(0)
    channels, height, width, neurons = 3, 9, 14, 6
    dtype = DataType(kind, bits)
    window = Window(channels, height, width, kernel, stride, dilation, (*padding, *padding))
    planes = weights(generator, neurons, window.area * (1 if depthwise else channels))
    conv = Conv2d(window, Dense("conv", dtype, planes, None), code, depthwise)
    maps = generator.integers(0, dtype.levels, (2, height, width, channels), np.uint8)
    # PyTorch's order: frame, channel, y, x.
    values = torch.from_numpy(dtype.values(maps).transpose(0, 3, 1, 2).astype(np.float64))
    (y, x), fill = padding, int(dtype.values(np.array(code)))
    padded = torch.nn.functional.pad(values, (x, x, y, y), value=fill)
    kernels = planes[0].bits.signs().reshape(neurons, *kernel, -1).transpose(0, 3, 1, 2).astype(np.float64)
    groups = channels if depthwise else 1
    dots = torch.nn.functional.conv2d(padded, torch.from_numpy(kernels), None, stride, 0, dilation, groups)
    found = conv.output.values(Convolution(conv).output(maps.reshape(2, -1)))
    accumulators = found.reshape(2, window.out_height, window.out_width, neurons).transpose(0, 3, 1, 2)
    # dot = 2 acc - K for bipolar elements; otherwise acc less the constant of bnnhw.ir.arithmetic.
    if kind == "bipolar":
        expected = (dots.numpy() + window.area * (1 if depthwise else channels)) / 2
    else:
        zeros = (kernels < 0).sum(axis=(1, 2, 3))
        expected = dots.numpy() + sum(dtype.coefficients) * zeros[:, None, None]
    assert np.array_equal(accumulators, expected)


def test_pools_by_hand() -> None:
    dtype = DataType("int", 4)
    window = Window(2, 1, 3, (1, 2), padding=(0, 1, 0, 0))
    codes = dtype.encode(np.array([[-8, 7, 3, -2, 0, -1]]))
    last = Dense("last", dtype, weights(np.random.default_rng(0), 2, 6), None)
    pool = MaxPool("pool", window, dtype, np.array([False, True]))
    network = Network(InputSpec((2, 1, 3), dtype), (pool, last, Output.plain("output", 2)))
    # Channel 0 holds -8, 3, 0, channel 1 holds 7, -2, -1; the first window has one element of each.
    assert dtype.values(trace(network, codes)["pool"]).tolist() == [[-8, 7, 3, -2, 3, -2]]
    total = SumPool("sum", window, dtype)
    quantize = Quantize("q", (2, 1, 3), total.output, Thresholds(np.array([[-8], [5]]), BIPOLAR))
    last = Dense("last", BIPOLAR, last.weights, None)
    network = Network(InputSpec((2, 1, 3), dtype), (total, quantize, last, Output.plain("output", 2)))
    results = trace(network, codes)
    assert total.output.values(results["sum"]).tolist() == [[-8, 7, -5, 5, 3, -3]]
    assert results["q"].tolist() == [[1, 1, 1, 1, 1, 0]]


def test_sums_of_bits_and_residuals_by_hand() -> None:
    spec = InputSpec((1, 1, 4), BIPOLAR)
    total = SumPool("sum", Window(1, 1, 4, (1, 4)), BIPOLAR)
    scaled = Affine("affine", (1, 1, 4), BIPOLAR, np.array([3]), np.array([-5]))
    shortcut = Residual("add", (1, 1, 4), BIPOLAR, (scaled,))
    last = Dense("last", shortcut.output, weights(np.random.default_rng(0), 2, 4), None)
    network = Network(spec, (shortcut, last, Output.plain("output", 2)))
    results = trace(network, np.array([[1, 0, 0, 1]], np.uint8))
    assert scaled.output.values(results["affine"]).tolist() == [[-2, -8, -8, -2]]
    assert shortcut.output.values(results["add"]).tolist() == [[-1, -9, -9, -1]]
    last = Dense("last", total.output, weights(np.random.default_rng(0), 2, 1), None)
    network = Network(spec, (total, last, Output.plain("output", 2)))
    assert trace(network, np.array([[1, 0, 1, 1], [0, 0, 0, 0]], np.uint8))["sum"].tolist() == [[3], [0]]


def test_many_levels_and_wide_elements() -> None:
    """Activations of 255 and 1,023 levels on elements of 32 bits."""
    wide, generator = DataType("int", 32), np.random.default_rng(0)
    eight, ten = DataType("uint", 8), DataType("int", 10)
    spread = Affine("a", (2, 1, 3), eight, np.array([1 << 22, -(1 << 23)]), np.array([-(1 << 29), (1 << 31) - 1]))
    assert spread.output == wide
    limits = np.sort(generator.integers(-(1 << 31), 1 << 31, (2, 1023)), axis=1)
    fine = Quantize("fine", (2, 1, 3), wide, Thresholds(limits, ten))
    coarse = np.sort(generator.integers(-512, 513, (2, 255)), axis=1)
    layers: tuple[Layer, ...] = (spread, fine, Quantize("coarse", (2, 1, 3), ten, Thresholds(coarse, eight)))
    last = Dense("last", eight, weights(generator, 2, 6), None)
    network = Network(InputSpec((2, 1, 3), eight), (*layers, last, Output.plain("output", 2)))
    codes = generator.integers(0, 256, (20, 6), np.uint8)
    expected = [naive.run(network, frame) for frame in codes.tolist()]
    for name, array in trace(network, codes).items():
        assert array.tolist() == [frame[name] for frame in expected]
    assert trace(network, codes)["fine"].dtype == np.uint16


def test_trained_convolution_has_no_integer_meaning() -> None:
    ones = np.ones(1)
    norm = batch_norm_sign(BatchNorm(ones, ones, ones, ones, 0.0))
    conv = Conv2d(Window(1, 1, 3, (1, 3)), Dense("conv", BIPOLAR, weights(np.random.default_rng(0), 1, 3), norm), 0)
    last = Dense("last", BIPOLAR, weights(np.random.default_rng(0), 2, 1), None)
    network = Network(InputSpec((1, 1, 3), BIPOLAR), (conv, last, Output.plain("output", 2)))
    with pytest.raises(
        NetworkError, match=r"^only a streamlined network has an integer meaning: run the streamlining passes first$"
    ):
        trace(network, np.zeros((1, 3), np.uint8))


def cnv(seed: int) -> Network:
    """The shape of BNN-PYNQ's CNV for 32 x 32 pixels of three 8-bit colours; random weights."""
    generator = np.random.default_rng(seed)
    layers: list[Layer] = []
    channels, size, dtype = 3, 32, DataType("int", 8)
    for i, neurons in enumerate((64, 64, 0, 128, 128, 0, 256, 256)):
        if neurons:
            dense = Dense(f"conv{i}", dtype, weights(generator, neurons, 9 * channels), None)
            layers.append(Conv2d(Window(channels, size, size, (3, 3)), middle(dense, generator)))
            channels, size, dtype = neurons, size - 2, BIPOLAR
        else:
            window = Window(channels, size, size, (2, 2), (2, 2))
            layers.append(MaxPool(f"pool{i}", window, BIPOLAR, np.zeros(channels, np.bool_)))
            size //= 2
    synapses = channels * size * size
    for i, neurons in enumerate((512, 512, 10)):
        dense = Dense(f"dense{i}", BIPOLAR, weights(generator, neurons, synapses), None)
        layers.append(dense if neurons == 10 else middle(dense, generator))
        synapses = neurons
    return Network(InputSpec((3, 32, 32), DataType("int", 8)), (*layers, Output.plain("output", 10)))


def test_a_network_of_cnvs_shape() -> None:
    network = cnv(0)
    codes = np.random.default_rng(1).integers(0, 256, (20, 3072), np.uint8)
    scores = evaluate(network, codes)
    assert len(np.unique(scores.classes)) > 1
    # Batches of any size give the same.
    assert np.array_equal(evaluate(network, codes, batch=3).scores, scores.scores)
