"""What a layer becomes for elements of another type, with other parts, or with some channels the other way round."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from bnnhw.errors import MissingError, NetworkError
from bnnhw.ir import (
    Activation,
    Affine,
    BatchNorm,
    BitMatrix,
    Concat,
    Conv2d,
    DataType,
    Dense,
    Divide,
    InputSpec,
    Layer,
    MaxPool,
    Output,
    Quantize,
    Quantizer,
    Residual,
    Scale,
    Shift,
    Step,
    SumPool,
    Thresholds,
    WeightPlane,
    Window,
    apply,
)
from bnnhw.ir.activation import FloatActivation
from bnnhw.ir.arithmetic import dot_affine, dot_output, emitted_affine, steps_on_dots
from bnnhw.ir.neurons import activation_of, joined_step
from tests.layers import random_layer

BIPOLAR, UINT1, UINT2, INT2, INT4 = map(DataType.parse, ("bipolar", "uint1", "uint2", "int2", "int4"))
SHAPE = (2, 3, 4)
PADDED, BARE = Window(*SHAPE, (2, 2), padding=(1, 0, 0, 0)), Window(*SHAPE, (2, 2))


def dense(neurons: int, synapses: int, dtype: DataType = BIPOLAR, activation: Activation | None = None) -> Dense:
    bits = BitMatrix.from_bits(np.ones((neurons, synapses), np.uint8))
    return Dense("layer", dtype, (WeightPlane(1, bits),), activation)


def thresholds(*rows: list[int], dtype: DataType = BIPOLAR) -> Thresholds:
    return Thresholds(np.array(rows), dtype)


def refuse(message: str, make: Callable[[], object]) -> None:
    with pytest.raises(NetworkError, match=rf"^{re.escape(message)}$"):
        make()


@pytest.mark.parametrize(
    "code, dtype, same, becomes",
    [
        (0, INT2, True, 0b11),  # -1
        (1, INT2, True, 1),
        (0, UINT1, False, 0),  # no -1 there
        (1, UINT1, True, 1),
    ],
)
def test_padding_keeps_its_number(code: int, dtype: DataType, same: bool, becomes: int) -> None:
    conv = Conv2d(PADDED, dense(3, 8), code)
    assert conv.keeps(dtype) == same
    changed = conv.with_input(dtype)
    assert (changed.input, changed.padding_code, changed.window) == (dtype, becomes, PADDED)
    # Without padding nothing can be lost.
    assert Conv2d(BARE, dense(3, 8), code).keeps(dtype)


@pytest.mark.parametrize("conv", [False, True])
def test_matrix_layers_on_other_elements(conv: bool) -> None:
    old, new = thresholds([1], [2]), thresholds([3], [0])
    layer: Layer = dense(2, 8, activation=old)
    if conv:
        layer = Conv2d(BARE, dense(2, 8, activation=old))
    assert layer.with_input(UINT1).activation == old
    changed = layer.with_input(UINT1, new)
    assert (changed.input, changed.activation, changed.name) == (UINT1, new, "layer")
    assert layer.with_activation(new).activation == new
    assert layer.with_activation(None).activation is None
    assert layer.renamed("other").name == "other"
    assert layer.shape_in == ((2, 3, 4) if conv else (8, 1, 1))


def test_depthwise_convolutions_say_so() -> None:
    plain, depthwise = Conv2d(BARE, dense(6, 8)), Conv2d(BARE, dense(6, 4), depthwise=True)
    assert (plain.label, plain.depth_multiplier) == ("conv", 0)
    assert (depthwise.label, depthwise.depth_multiplier) == ("depthwise", 3)
    assert (plain.vectors, dense(6, 8).vectors) == (2 * 3, 1)


def test_quantizers_on_other_elements() -> None:
    old, new = thresholds([0], [1]), thresholds([1], [1])
    layer = Quantize("q", SHAPE, INT4, old)
    assert layer.with_input(INT2) == Quantize("q", SHAPE, INT2, old)
    assert layer.with_input(INT2, new) == Quantize("q", SHAPE, INT2, new)
    assert layer.with_activation(new) == Quantize("q", SHAPE, INT4, new)
    refuse("layer q: a layer of kind quantize must have an activation", lambda: layer.with_activation(None))


def test_layers_without_activation_or_weights_or_branches() -> None:
    layer = SumPool("sum", BARE, BIPOLAR)
    assert layer.with_activation(None) is layer
    assert layer.with_input(UINT2) == SumPool("sum", BARE, UINT2)
    assert layer.with_branches(()) is layer
    assert layer.with_branches((), UINT2) == SumPool("sum", BARE, UINT2)
    assert layer.matrix is None
    refuse(
        "layer sum: a layer of kind sum_pool has no activation",
        lambda: layer.with_input(UINT2, thresholds([1], [1])),
    )
    refuse("layer sum: a layer of kind sum_pool has no weights", lambda: layer.with_matrix(dense(2, 2)))
    refuse("layer sum: a layer of kind sum_pool has no branches", lambda: layer.with_branches(((layer,),)))
    with pytest.raises(MissingError, match="kind 'sum_pool' must have reversed_in"):
        layer.reversed_in(np.array([True, False]))


@pytest.mark.parametrize("kind", [Residual, Concat])
def test_other_branches(kind: type[Residual] | type[Concat]) -> None:
    def scale(dtype: DataType, factor: int = 1) -> Affine:
        return Affine("scale", SHAPE, dtype, np.array([factor, factor]), np.array([0, 0]))

    layer = kind("join", SHAPE, BIPOLAR, (scale(BIPOLAR),), ())
    other = layer.with_branches(((scale(BIPOLAR, 3),), ()))
    assert other == kind("join", SHAPE, BIPOLAR, (scale(BIPOLAR, 3),), ())
    assert layer.with_branches(((), (scale(UINT2),))[::-1], UINT2) == kind("join", SHAPE, UINT2, (scale(UINT2),), ())


def test_a_pool_of_reversed_channels_takes_the_other_end() -> None:
    pool = MaxPool("pool", BARE, UINT2, np.array([True, False]))
    assert pool.reversed_in(np.array([True, False])).minimum.tolist() == [False, False]
    assert pool.reversed_in(np.array([False, True])).minimum.tolist() == [True, True]
    assert pool.reversed_in(np.array([True, True])).reversed_in(np.array([True, True])) == pool


@pytest.mark.parametrize("falling", [(), (True,), (False, True)])
def test_input_in_fewer_levels(falling: tuple[bool, ...]) -> None:
    """A sample whose level was at least the n-th place has level n."""
    spec = InputSpec((2,), UINT2, ((0.0, 1.0, 2.0), (4.0, 5.0, 7.0)) if len(falling) > 1 else (0.0, 1.0, 2.0), falling)
    samples = np.stack([np.arange(-1, 9)] * 2, axis=1)
    before = spec.encode(samples)
    for places in ([0], [1], [3], [4]):
        found = spec.requantized(UINT1, np.array(places)).encode(samples)
        assert found.tolist() == (before >= places[0]).astype(int).tolist()
    three = spec.requantized(UINT2, np.array([1, 1, 3])).encode(samples)
    assert three.tolist() == (2 * (before >= 1) + (before >= 3)).tolist()


@pytest.mark.parametrize("kind", ["uint2", "int2"])
def test_values_that_are_elements_already(kind: str) -> None:
    spec = InputSpec((1,), DataType.parse(kind))
    numbers = range(spec.dtype.minimum, spec.dtype.maximum + 1)
    assert spec.encode(np.array(numbers)[:, None]).ravel().tolist() == [number % 4 for number in numbers]
    for wrong in (spec.dtype.minimum - 1, spec.dtype.maximum + 1, 0.5):
        with pytest.raises(NetworkError, match="input must be integers in"):
            spec.encode(np.array([[wrong]]))
    assert InputSpec((1,), BIPOLAR).encode(np.array([[-1], [1]])).tolist() == [[0], [1]]


def dots(layer: Dense, accumulators: np.ndarray) -> np.ndarray:
    affine = dot_affine(layer)
    return affine.scale * accumulators + affine.constants


@pytest.mark.parametrize("dtype", ["bipolar", "uint1", "int3"])
@pytest.mark.parametrize("coefficients", [(1,), (1, -1)])
def test_steps_on_dot_products(dtype: str, coefficients: tuple[int, ...]) -> None:
    """Steps on accumulators and those on dot products compute the same; an affine step that came first is dropped."""
    layer = random_layer(np.random.default_rng(3), 4, 9, dtype, None, coefficients)
    accumulators = np.arange(*layer.accumulator_range)[:, None].repeat(4, axis=1)
    steps: tuple[Step, ...] = (Scale(np.array([1.0, -2.0, 3.0, 0.5])), Shift(np.array([0.0, 1.0, -2.0, 4.0])))
    expected = apply(steps, accumulators)
    assert np.array_equal(apply(steps_on_dots(layer, steps), dots(layer, accumulators)), expected)
    affine = dot_affine(layer)
    to_dots: list[Step] = [] if affine.scale == 1 else [Scale(np.full(4, float(affine.scale)))]
    if affine.constants.any():
        to_dots.append(Shift(affine.constants.astype(float)))
    assert steps_on_dots(layer, (*to_dots, *steps)) == steps


@pytest.mark.parametrize("dtype", ["bipolar", "uint2"])
@pytest.mark.parametrize("classes", [1, 3])
def test_scores_are_dot_products(dtype: str, classes: int) -> None:
    """Bipolar ones halved, which keeps their order; a single one keeps its sign."""
    layer = random_layer(np.random.default_rng(classes), classes, 9, dtype, None)
    accumulators = np.arange(*layer.accumulator_range)[:, None].repeat(classes, axis=1)
    output = dot_output("output", layer)
    scores, due = output.multiplier * accumulators + output.offset, dots(layer, accumulators)
    if classes == 1:
        assert np.array_equal(scores >= 0, due >= 0)
    elif dtype == "bipolar":
        assert np.array_equal(2 * (scores - scores[:, :1]), due - due[:, :1])
    else:
        assert np.array_equal(scores, due)


def test_what_is_no_accumulator_stands_for_itself() -> None:
    for layer in (SumPool("sum", BARE, UINT2), dense(2, 8, activation=thresholds([1], [2]))):
        affine = emitted_affine(layer)
        assert (affine.scale, affine.constants.tolist()) == (1, [0, 0])
        assert dot_output("output", layer) == Output.plain("output", 2)


def test_activation_of_some_neurons() -> None:
    norm = BatchNorm(*(np.array(row, float) for row in ([1, 2, 3], [4, 5, 6], [7, 8, 9], [1, 2, 4])), 0.5)
    quantizer = Quantizer(UINT1, np.array([[0.0], [1.0], [2.0]]), np.array([True]))
    activation = activation_of(FloatActivation((norm, Scale(np.array([1.0, 2.0, 3.0]))), quantizer), np.array([2, 0]))
    picked = BatchNorm(*(np.array(row, float) for row in ([3, 1], [6, 4], [9, 7], [4, 1])), 0.5)
    assert activation.steps == (picked, Scale(np.array([3.0, 1.0])))
    assert activation.quantizer.bounds.tolist() == [[2.0], [0.0]]
    assert activation.quantizer.strict.tolist() == [True]


def test_steps_of_two_branches() -> None:
    one, two = np.array([1.0, 2.0]), np.array([3.0])
    assert joined_step(Scale(one), Scale(two)) == Scale(np.array([1.0, 2.0, 3.0]))
    assert joined_step(Scale(one), Divide(two)) is None
    norms = [BatchNorm(row, row, row, row, eps) for row, eps in ((one, 0.5), (two, 0.5), (two, 0.25))]
    both = np.array([1.0, 2.0, 3.0])
    assert joined_step(norms[0], norms[1]) == BatchNorm(both, both, both, both, 0.5)
    # One eps for all neurons.
    assert joined_step(norms[0], norms[2]) is None
