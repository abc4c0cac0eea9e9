"""Layers over feature maps: what they promise of shapes and types, and what they refuse."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from bnnhw.errors import NetworkError
from bnnhw.ir import (
    Affine,
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
    follow,
    sign,
    walk,
)
from bnnhw.ir.activation import FloatActivation
from bnnhw.ir.layer import MAX_DEPTH
from tests.map_strategies import map_networks
from tests.strategies import fixed

BIPOLAR, UINT2, INT4 = (DataType.parse(name) for name in ("bipolar", "uint2", "int4"))
SHAPE = (2, 3, 4)


def dense(neurons: int, synapses: int, name: str = "conv", dtype: DataType = BIPOLAR, coefficient: int = 1) -> Dense:
    bits = BitMatrix.from_bits(np.ones((neurons, synapses), np.uint8))
    return Dense(name, dtype, (WeightPlane(coefficient, bits),), None)


def identity(name: str = "body", dtype: DataType = BIPOLAR) -> SumPool:
    return SumPool(name, Window(*SHAPE, (1, 1)), dtype)


def refuse(message: str, make: Callable[[], object]) -> None:
    with pytest.raises(NetworkError, match=rf"^{re.escape(message)}$"):
        make()


def test_convolution() -> None:
    window = Window(*SHAPE, (2, 3), padding=(1, 1, 0, 1))
    conv = Conv2d(window, dense(5, 12))
    assert (conv.name, conv.input, conv.shape_in, conv.shape_out) == ("conv", BIPOLAR, SHAPE, (5, 3, 4))
    # Accumulators of 12 synapses: 0..12.
    assert str(conv.output) == "uint4"
    wide = Conv2d(window, dense(5, 12, dtype=INT4, coefficient=-3))
    # Coefficients -3, -6, -12 and +24 of 12 counts each: -252..288.
    assert str(wide.output) == "int10"
    activated = conv.with_matrix(replace(conv.dense, activation=Thresholds(np.zeros((5, 3), int), UINT2)))
    assert (activated.output, activated.window) == (UINT2, window)
    assert (Conv2d(window, dense(6, 6), depthwise=True)).shape_out == (6, 3, 4)


def test_refused_convolutions() -> None:
    window = Window(*SHAPE, (2, 3))
    refuse("layer conv: weights must have 12 synapses, not 13", lambda: Conv2d(window, dense(5, 13)))
    refuse("layer conv: weights must have 6 synapses, not 12", lambda: Conv2d(window, dense(4, 12), depthwise=True))
    refuse(
        "layer conv: a depthwise convolution of 2 channels must have a multiple of so many neurons, not 5",
        lambda: Conv2d(window, dense(5, 6), depthwise=True),
    )
    refuse("layer conv: padding must be a code in 0..1, not 2", lambda: Conv2d(window, dense(5, 12), 2))
    refuse("layer conv: padding must be a code in 0..15, not -1", lambda: Conv2d(window, dense(5, 12, dtype=INT4), -1))


def test_max_pool() -> None:
    pool = MaxPool("pool", Window(*SHAPE, (2, 2), (1, 2)), UINT2, np.array([True, False]))
    assert (pool.shape_in, pool.shape_out, pool.output) == (SHAPE, (2, 2, 2), UINT2)
    assert not pool.minimum.flags.writeable
    assert pool == replace(pool, minimum=np.array([True, False]))
    assert pool != replace(pool, minimum=np.array([True, True]))
    refuse("layer pool: minimum must have shape (2,)", lambda: replace(pool, minimum=np.zeros(3, bool)))
    refuse(
        "layer pool: padding must leave something to pool in every window",
        lambda: replace(pool, window=Window(*SHAPE, (2, 2), padding=(2, 0, 0, 0))),
    )


@pytest.mark.parametrize(
    "dtype, expected",
    [("bipolar", "uint3"), ("uint1", "uint3"), ("uint2", "uint5"), ("int2", "int5"), ("int4", "int7")],
)
def test_sum_pool_holds_every_sum(dtype: str, expected: str) -> None:
    """Sums of 2 x 3 elements: 0..6, 0..6, 0..18, -12..6 (5 bits), -48..42 (7 bits)."""
    pool = SumPool("pool", Window(*SHAPE, (2, 3)), DataType.parse(dtype))
    assert str(pool.output) == expected
    assert pool.shape_out == (2, 2, 2)


def test_too_wide_sums() -> None:
    refuse(
        "layer pool: results must fit 32 bits, not 0..25769803770",
        lambda: SumPool("pool", Window(*SHAPE, (2, 3)), DataType("uint", 32)),
    )


def test_quantize() -> None:
    quantize = Quantize("q", SHAPE, INT4, Thresholds(np.array([[-8, 0, 8], [1, 2, 3]]), UINT2))
    assert (quantize.shape_in, quantize.shape_out, quantize.output) == (SHAPE, SHAPE, UINT2)
    refuse("layer q: activation must have 3 channels, not 2", lambda: replace(quantize, shape=(3, 3, 4)))
    for value in (-9, 9):
        refuse(
            "layer q: thresholds must be in -8..8",
            lambda value=value: replace(quantize, activation=Thresholds(np.full((2, 3), value), UINT2)),
        )


def test_affine() -> None:
    affine = Affine("a", SHAPE, INT4, np.array([3, -2]), np.array([-1, 4]))
    # 3 * -8 - 1 = -25 and 3 * 7 - 1 = 20; -2 * 7 + 4 = -10 and -2 * -8 + 4 = 20.
    assert str(affine.output) == "int6"
    assert (affine.shape_in, affine.shape_out) == (SHAPE, SHAPE)
    assert str(replace(affine, offset=np.array([24, 14])).output) == "uint6"
    assert affine == replace(affine, multiplier=np.array([3, -2]))
    assert affine != replace(affine, multiplier=np.array([3, -3]))
    refuse(
        "layer a: offset must have shape (2,), not (3,)",
        lambda: replace(affine, offset=np.zeros(3, int)),
    )
    # Exact beyond 64 bits.
    huge = 1 << 62
    refuse(
        f"layer a: results must fit 32 bits, not {-8 * huge - 1}..{7 * huge - 1}",
        lambda: replace(affine, multiplier=np.array([huge, 0])),
    )


def test_residual() -> None:
    affine = Affine("scale", SHAPE, BIPOLAR, np.array([5, 1]), np.array([0, 0]))
    residual = Residual("r", SHAPE, BIPOLAR, (affine,))
    # int4 of the branch, -8..7, and -1..1 of the identity.
    assert (residual.shape_in, residual.shape_out, str(residual.output)) == (SHAPE, SHAPE, "int5")
    down = Window(*SHAPE, (2, 2))
    changed = Residual("r", SHAPE, BIPOLAR, (Conv2d(down, dense(7, 8)),), (Conv2d(down, dense(7, 8, "short")),))
    # Two accumulators of 8 synapses: 0..15 each by their type.
    assert (changed.shape_out, str(changed.output)) == ((7, 2, 3), "uint5")
    refuse("layer r: body must have at least one layer", lambda: Residual("r", SHAPE, BIPOLAR, ()))
    refuse(
        "layer r: branches must end in one shape, not (7, 2, 3) and (2, 3, 4)",
        lambda: replace(changed, shortcut=()),
    )
    refuse("layer scale: must take int4 elements, not bipolar", lambda: replace(residual, input=INT4))
    wide = DataType("uint", 32)
    refuse(
        f"layer r: results must fit 32 bits, not 0..{2 * wide.maximum}",
        lambda: Residual("r", SHAPE, wide, (identity(dtype=wide),)),
    )


def test_nesting_is_bounded() -> None:
    layer: Layer = identity()
    for level in range(MAX_DEPTH):
        layer = Residual(f"r{level}", SHAPE, BIPOLAR, (layer,))
        assert layer.depth == level + 1
    refuse(
        f"layer top: branches must nest at most {MAX_DEPTH} deep",
        lambda: Residual("top", SHAPE, BIPOLAR, (layer,)),
    )
    short = Residual("s", SHAPE, BIPOLAR, (identity("inner"),))
    refuse(
        "layer top: branches must nest at most 8 deep",
        lambda: Residual("top", SHAPE, BIPOLAR, (identity(),), (layer, short)),
    )


def test_walk_and_matrices_in_order() -> None:
    """Body, shortcut, then the residual layer; matrices in the same order."""
    same = Window(*SHAPE, (1, 1))
    body = (
        Conv2d(same, dense(2, 2, "a")),
        Quantize("q", SHAPE, DataType("uint", 2), Thresholds(np.array([[1], [2]]), BIPOLAR)),
    )
    residual = Residual("r", SHAPE, BIPOLAR, body, (Conv2d(same, dense(2, 2, "b")),))
    last = dense(3, 24, "last", residual.output)
    network = Network(InputSpec(SHAPE, BIPOLAR), (residual, last, Output.plain("output", 3)))
    assert [layer.name for layer in walk(network.layers)] == ["a", "q", "b", "r", "last", "output"]
    assert [layer.name for layer in network.matrices] == ["a", "b", "last"]
    assert network.streamlined
    tail = replace(body[1], activation=FloatActivation((), sign(2)))
    floating = replace(residual, body=(body[0], tail))
    assert not replace(network, layers=(floating, *network.layers[1:])).streamlined
    twice = replace(residual, shortcut=(Conv2d(same, dense(2, 2, "a")),))
    refuse("layer a: name must be unique", lambda: replace(network, layers=(twice, *network.layers[1:])))


def test_refused_networks() -> None:
    spec, pool = InputSpec(SHAPE, BIPOLAR), identity("pool")
    last, output = dense(3, 24, "last", pool.output), Output.plain("output", 3)
    Network(spec, (pool, last, output))
    refuse(
        "layer conv: the layer before an output must give one number per class, not a map of 2 x 3 x 4",
        lambda: Network(spec, (Conv2d(Window(2, 3, 4, (1, 1)), dense(2, 2, "conv")), output)),
    )
    whole = SumPool("pool", Window(*SHAPE, (3, 4)), BIPOLAR)
    refuse("a network must have a layer with weights", lambda: Network(spec, (whole, Output.plain("output", 2))))
    refuse(
        "layer pool: must take a map of 2 x 4 x 3, not 2 x 3 x 4",
        lambda: Network(InputSpec((2, 4, 3), BIPOLAR), (pool, last, output)),
    )
    refuse(
        "layer pool: must take a map of 24 x 1 x 1, not 2 x 3 x 4",
        lambda: Network(InputSpec((24,), BIPOLAR), (pool, last, output)),
    )
    refuse(
        "layer last: must take 24 inputs, not 23",
        lambda: Network(spec, (pool, dense(3, 23, "last", pool.output), output)),
    )
    refuse(
        "layer last: must take uint1 elements, not bipolar",
        lambda: Network(spec, (pool, dense(3, 24, "last"), output)),
    )
    refuse(
        "layer early: an output must be the last layer",
        lambda: Network(spec, (Output.plain("early", 3), last, output)),
    )
    wide = DataType("uint", 9)
    refuse("layer last: inputs must have at most 8 bits, not 9", lambda: dense(3, 24, "last", wide))
    refuse("input: elements must have at most 8 bits, not 9", lambda: InputSpec(SHAPE, wide))
    huge = dense(3, 24, "last", pool.output, 1 << 30)
    refuse(
        f"layer last: results must fit 32 bits, not 0..{24 << 30}",
        lambda: Network(spec, (pool, huge, output)),
    )


@fixed
@given(map_networks())
def test_layers_follow_each_other(network: Network) -> None:
    """What :func:`follow` says of every prefix of the chain is what the layers say of themselves."""
    for number, layer in enumerate(network.layers[:-1]):
        shape, dtype = follow(network.input.map, network.input.dtype, network.layers[: number + 1])
        assert shape == layer.shape_out
        assert dtype == (layer.output)
