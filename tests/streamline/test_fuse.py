"""Quantizers move to the matrices before them: which layers are left, and that they say the same."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.ir import (
    Affine,
    BatchNorm,
    BitMatrix,
    Concat,
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
    Thresholds,
    WeightPlane,
    Window,
    batch_norm_sign,
    follow,
    walk,
)
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline
from bnnhw.streamline.fuse import fuse

BIPOLAR = DataType("bipolar", 1)
UINT2 = DataType("uint", 2)
GAMMA = np.array([2.0, -1.0, 0.0, -0.5])


def matrix(name: str, dtype: DataType, neurons: int, synapses: int) -> Dense:
    bits = np.random.default_rng(synapses).integers(0, 2, (neurons, synapses), np.uint8)
    return Dense(name, dtype, (WeightPlane(1, BitMatrix.from_bits(bits)),), None)


def conv(name: str, dtype: DataType, channels: int = 4) -> Conv2d:
    """2 x 2 over 5 x 5, 4 channels out."""
    window = Window(channels, 5, 5, (2, 2))
    return Conv2d(window, matrix(name, dtype, 4, 4 * channels))


def quantize(name: str, shape: tuple[int, int, int], dtype: DataType, mean: float) -> Quantize:
    """A sign of a batch norm that rises, falls, is constant, and falls."""
    norm = BatchNorm(GAMMA, np.array([0.5, 1.0, -1.0, 0.25]), np.full(4, mean), np.ones(4), 0.0)
    return Quantize(name, shape, dtype, batch_norm_sign(norm))


def network(layers: tuple[Layer, ...], spec: InputSpec) -> Network:
    shape, dtype = follow(spec.map, spec.dtype, layers)
    last = matrix("last", dtype, 3, int(np.prod(shape)))
    return Network(spec, (*layers, last, Output.plain("output", 3)))


def check(before: Network, *kinds: type[Layer]) -> Network:
    """The kinds of layers left by all passes; the same scores on random frames."""
    after = streamline(before)
    assert after.warnings == ()
    assert [type(layer) for layer in walk(after.network.layers[:-2])] == list(kinds)
    codes = np.random.default_rng(0).integers(0, before.input.dtype.levels, (60, before.input.elements), np.uint8)
    scores = evaluate(after.network, codes).scores
    assert np.array_equal(scores, evaluate_trained(before, codes).scores)
    assert len(np.unique(scores)) > 3
    return after.network


@pytest.mark.parametrize("dtype", [BIPOLAR, UINT2])
def test_into_a_convolution(dtype: DataType) -> None:
    layer = conv("conv", dtype)
    sums = quantize("sign", layer.shape_out, layer.output, 8.0)
    found = check(network((layer, sums), InputSpec((4, 5, 5), dtype)), Conv2d).layers[0]
    assert isinstance(found, Conv2d) and isinstance(found.dense.activation, Thresholds)


def test_into_a_fully_connected_layer() -> None:
    layer = matrix("dense", UINT2, 4, 10)
    check(network((layer, quantize("sign", (4, 1, 1), layer.output, 9.0)), InputSpec((10,), UINT2)), Dense)


@pytest.mark.parametrize("turned", [False, True])
def test_through_pools(turned: bool) -> None:
    """A pool of the greatest accumulators becomes one of the least bits where the norm falls, and vice versa."""
    layer = conv("conv", BIPOLAR)
    minimum = np.array([turned, not turned, turned, False])
    first = MaxPool("pool", Window(4, 4, 4, (2, 2)), layer.output, minimum)
    second = MaxPool("again", Window(4, 3, 3, (2, 2), (1, 1), (1, 1), (1, 0, 0, 0)), layer.output, minimum)
    sums = quantize("sign", second.shape_out, layer.output, 8.0)
    found = check(network((layer, first, second, sums), InputSpec((4, 5, 5), BIPOLAR)), Conv2d, MaxPool, MaxPool)
    for pool in found.layers[1:3]:
        assert isinstance(pool, MaxPool)
        assert pool.input == BIPOLAR
        assert pool.minimum.tolist() == (minimum ^ (GAMMA < 0)).tolist()


def test_affine_before_it() -> None:
    layer = conv("conv", BIPOLAR)
    affine = Affine("affine", layer.shape_out, layer.output, np.array([3, -2, 1, 0]), np.array([-20, 5, 0, 1]))
    check(
        network((layer, affine, quantize("s", layer.shape_out, affine.output, 4.0)), InputSpec((4, 5, 5), BIPOLAR)),
        Conv2d,
    )


def test_falling_channels_without_a_matrix() -> None:
    """Nothing to complement: an affine turns the element over."""
    spec = InputSpec((4, 3, 3), UINT2)
    found = check(network((quantize("s", (4, 3, 3), UINT2, 1.0),), spec), Affine, Quantize)
    affine = found.layers[0]
    assert isinstance(affine, Affine)
    assert affine.output == UINT2
    assert (affine.multiplier.tolist(), affine.offset.tolist()) == ([1, -1, 1, -1], [0, 3, 0, 3])


def test_inside_residual_layers() -> None:
    """Branches are chains of their own; what forks keeps its accumulators."""
    first = Conv2d(Window(4, 5, 5, (1, 1)), matrix("first", UINT2, 4, 4))
    bits = quantize("bits", (4, 5, 5), first.output, 3.0)
    inner = Conv2d(Window(4, 5, 5, (1, 1)), matrix("inner", BIPOLAR, 4, 4))
    again = quantize("again", (4, 5, 5), inner.output, 2.0)
    last = Conv2d(Window(4, 5, 5, (1, 1)), matrix("second", BIPOLAR, 4, 4))
    residual = Residual("sum", (4, 5, 5), first.output, (bits, inner, again, last))
    end = quantize("end", (4, 5, 5), residual.output, 6.0)
    check(
        network((first, residual, end), InputSpec((4, 5, 5), UINT2)),
        *(Conv2d, Affine, Quantize, Conv2d, Conv2d, Residual, Affine, Quantize),
    )


def test_what_it_leaves_alone() -> None:
    """Thresholds, and what no quantizer follows."""
    layer = conv("conv", BIPOLAR)
    values = Thresholds(np.full((4, 1), 8), BIPOLAR)
    before = network((layer, Quantize("t", layer.shape_out, layer.output, values)), InputSpec((4, 5, 5), BIPOLAR))
    assert fuse(before).network == before


def test_into_joined_branches() -> None:
    """Every branch has the quantizer of its own channels, in its matrix where it ends in one."""
    one = Conv2d(Window(4, 5, 5, (2, 2)), matrix("one", UINT2, 1, 16))
    two = Conv2d(Window(4, 5, 5, (2, 2)), matrix("two", UINT2, 3, 16))
    join = Concat("join", (4, 5, 5), UINT2, (one,), (two,))
    before = network((join, quantize("q", join.shape_out, join.output, 18.0)), InputSpec((4, 5, 5), UINT2))
    check(before, Conv2d, Conv2d, Concat)
    # A branch of nothing, one that ends in a matrix, and a type for both: elements of 0..3 and sums of 0..9.
    skip = Concat("join", (2, 5, 5), UINT2, (), (Conv2d(Window(2, 5, 5, (1, 1)), matrix("c", UINT2, 2, 2)),))
    before = network((skip, quantize("q", skip.shape_out, skip.output, 1.0)), InputSpec((2, 5, 5), UINT2))
    check(before, Affine, Quantize, Conv2d, Concat)


def test_joined_lists() -> None:
    """Of vectors every element has its quantizer; of maps the elements of a channel lie apart, and it stays behind."""
    ends = (matrix("one", UINT2, 1, 10),), (matrix("two", UINT2, 3, 10),)
    join = Concat("join", (10, 1, 1), UINT2, *ends, flat=True)
    check(network((join, quantize("q", (4, 1, 1), join.output, 9.0)), InputSpec((10,), UINT2)), Dense, Dense, Concat)
    wide = Concat("join", (1, 1, 2), UINT2, (), (), flat=True)
    rises = batch_norm_sign(BatchNorm(np.ones(4), np.zeros(4), np.arange(4.0), np.ones(4), 0.0))
    check(network((wide, Quantize("q", (4, 1, 1), UINT2, rises)), InputSpec((1, 1, 2), UINT2)), Concat, Quantize)
    # What stands before it stays where it is.
    pool = MaxPool("pool", Window(1, 2, 2, (2, 1)), UINT2, np.zeros(1, np.bool_))
    check(
        network((pool, wide, Quantize("q", (4, 1, 1), UINT2, rises)), InputSpec((1, 2, 2), UINT2)),
        MaxPool,
        Concat,
        Quantize,
    )
    mixed = Concat("join", (1, 1, 2), UINT2, (), (matrix("one", UINT2, 2, 2),), flat=True)
    check(
        network((mixed, Quantize("q", (4, 1, 1), mixed.output, rises)), InputSpec((1, 1, 2), UINT2)),
        Dense,
        Concat,
        Quantize,
    )
