"""Hypothesis strategies that draw windows, layers over feature maps, and networks of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bnnhw.ir import (
    Affine,
    Conv2d,
    DataType,
    Dense,
    FloatActivation,
    InputSpec,
    Layer,
    MaxPool,
    Network,
    Output,
    Quantize,
    Residual,
    SumPool,
    Thresholds,
    Window,
    batch_norm_sign,
)
from bnnhw.ir.activation import Activation
from bnnhw.ir.types import MAX_PLANES
from tests.strategies import DTYPES, norms, planes, quantizers, steps, thresholds

MapLayer: TypeAlias = Conv2d | MaxPool | SumPool | Quantize | Affine | Residual


@st.composite
def windows(draw: st.DrawFn, shape: tuple[int, int, int], padding: int = 2, keep: bool = False) -> Window:
    """A window that slides over a map of (channels, height, width), with padding up to ``padding`` on each side.

    One with ``keep`` leaves height and width as they are.
    """
    channels, height, width = shape

    def axis(size: int) -> tuple[int, int, int, int, int]:
        """Kernel, stride, dilation, padding before and after."""
        if keep:
            kernel, dilation = draw(st.sampled_from([(1, 1), (3, 1), (2, 1), (2, 2)] if padding else [(1, 1)]))
            surplus = dilation * (kernel - 1)
            before = draw(st.integers(max(0, surplus - padding), min(surplus, padding)))
            return kernel, 1, dilation, before, surplus - before
        before, after = draw(st.integers(0, padding)), draw(st.integers(0, padding))
        kernel = draw(st.integers(1, min(4, size + before + after)))
        dilation = draw(st.integers(1, 3)) if (kernel - 1) * 3 < size + before + after else 1
        return kernel, draw(st.integers(1, 3)), dilation, before, after

    y, x = axis(height), axis(width)
    return Window(channels, height, width, *zip(y[:3], x[:3], strict=True), (y[3], x[3], y[4], x[4]))


@st.composite
def tails(draw: st.DrawFn, neurons: int, general: bool) -> FloatActivation:
    """Any steps and quantizer if ``general``, otherwise batch norm and sign."""
    if general:
        return FloatActivation(draw(steps(neurons)), draw(quantizers(neurons)))
    return batch_norm_sign(draw(norms(neurons)))


@st.composite
def activations(draw: st.DrawFn, layer: Dense, general: bool | None = None) -> Activation:
    """Thresholds over a layer's accumulators, or, if ``general`` is a bool, those of :func:`tails`."""
    return draw(thresholds(layer, draw(DTYPES)) if general is None else tails(layer.neurons, general))


@st.composite
def convolutions(
    draw: st.DrawFn,
    name: str,
    shape: tuple[int, int, int],
    dtype: DataType,
    general: bool | None = None,
    neurons: int | None = None,
    keep: bool = False,
) -> Conv2d:
    """A convolution, depthwise at times, of ``neurons`` channels (None: drawn); ``keep`` as in :func:`windows`.

    ``general`` as in :func:`activations`; one in four has no activation and emits its accumulators.
    """
    window = draw(windows(shape, keep=keep))
    depthwise = draw(st.booleans()) and (neurons is None or neurons % shape[0] == 0)
    if neurons is None:
        neurons = shape[0] * draw(st.integers(1, 2)) if depthwise else draw(st.integers(1, 4))
    synapses = window.area * (1 if depthwise else shape[0])
    layer = Dense(name, dtype, draw(planes(neurons, synapses)), None)
    if draw(st.integers(0, 3)):
        layer = replace(layer, activation=draw(activations(layer, general)))
    return Conv2d(window, layer, draw(st.integers(0, dtype.levels - 1)), depthwise)


@st.composite
def max_pools(draw: st.DrawFn, name: str, shape: tuple[int, int, int], dtype: DataType) -> MaxPool:
    window = draw(windows(shape, padding=1).filter(lambda window: not window.lost))
    return MaxPool(name, window, dtype, draw(hnp.arrays(np.bool_, shape[0])))


@st.composite
def quantizes(
    draw: st.DrawFn, name: str, shape: tuple[int, int, int], dtype: DataType, general: bool | None = None
) -> Quantize:
    if general is not None:
        activation: Activation = draw(tails(shape[0], general))
    else:
        output = draw(DTYPES)
        element = st.integers(max(dtype.minimum, -100), min(dtype.maximum + 1, 100))
        values = draw(hnp.arrays(np.int64, (shape[0], output.levels - 1), elements=element))
        activation = Thresholds(np.sort(values, axis=1), output)
    return Quantize(name, shape, dtype, activation)


@st.composite
def affines(draw: st.DrawFn, name: str, shape: tuple[int, int, int], dtype: DataType) -> Affine:
    column = hnp.arrays(np.int64, shape[0], elements=st.integers(-9, 9))
    return Affine(name, shape, dtype, draw(column), draw(column))


@st.composite
def residuals(
    draw: st.DrawFn,
    name: str,
    shape: tuple[int, int, int],
    dtype: DataType,
    general: bool | None = None,
    depth: int = 2,
) -> Residual:
    """A residual layer: convolutions in the body, now and then a residual layer among them, up to ``depth`` deep.

    The shortcut is the identity, an affine layer, or a convolution; without the first, channels may change.
    """
    kind = draw(st.sampled_from(["identity", "affine", "conv"] if dtype.bits <= MAX_PLANES else ["identity", "affine"]))
    neurons = draw(st.integers(1, 4)) if kind == "conv" else shape[0]
    body: list[Layer] = []
    here, element = shape, dtype
    for i in range(draw(st.integers(0, 1))):
        inner = f"{name}b{i}"
        if depth > 1 and draw(st.booleans()):
            layer: Residual | Affine = draw(residuals(inner, here, element, general, depth - 1))
        else:
            layer = draw(affines(inner, here, element))
        body.append(layer)
        here, element = layer.shape_out, layer.output
    if element.bits > MAX_PLANES:
        narrow = draw(quantizes(f"{name}q", here, element, general))
        body.append(narrow)
        element = narrow.output
    body.append(draw(convolutions(f"{name}c", here, element, general, neurons, keep=True)))
    shortcut: tuple[Layer, ...] = ()
    if kind == "affine":
        shortcut = (draw(affines(f"{name}s", shape, dtype)),)
    if kind == "conv":
        shortcut = (draw(convolutions(f"{name}s", shape, dtype, general, neurons, keep=True)),)
    return Residual(name, shape, dtype, tuple(body), shortcut)


@st.composite
def last_layers(
    draw: st.DrawFn, classes: int, shape: tuple[int, int, int], dtype: DataType, general: bool | None = None
) -> tuple[Layer, ...]:
    """A fully connected layer, mostly; its levels, multiples of its accumulators, or the sum of two of them."""

    def dense(name: str) -> Dense:
        return Dense(name, dtype, draw(planes(classes, int(np.prod(shape)))), None)

    last = dense("last")
    match draw(st.sampled_from(["dense", "dense", "levels", "affine", "sum"])):
        case "levels":
            return (replace(last, activation=draw(activations(last, general))),)
        case "affine":
            return (last, draw(affines("multiples", last.shape_out, last.output)))
        case "sum":
            return (Residual("sum", shape, dtype, (last,), (dense("other"),)),)
        case _:
            return (last,)


@st.composite
def map_networks(
    draw: st.DrawFn,
    streamlined: bool | None = None,
    general: bool = False,
    kinds: tuple[str, ...] = ("conv", "max_pool", "sum_pool", "quantize", "affine", "residual"),
    max_layers: int = 4,
) -> Network:
    """A network of 1 to ``max_layers`` layers over maps of at most 3 x 7 x 7, then fully connected layers.

    Height is 1 in one of four. ``streamlined`` and ``general`` as in :func:`networks`; ``kinds`` limits the layers over
    maps (a quantize layer is put in besides where a matrix layer needs narrower elements).
    """
    if streamlined is None:
        streamlined = draw(st.booleans())
    tail = None if streamlined else general
    height = draw(st.sampled_from([1, 3, 5, 7]))
    shape, dtype = (draw(st.integers(1, 3)), height, draw(st.integers(2, 7))), draw(DTYPES)
    spec = InputSpec(shape, dtype)
    layers: list[Layer] = []
    for i in range(draw(st.integers(1, max_layers))):
        kind, name = draw(st.sampled_from(kinds)), f"layer{i}"
        # A sum of 21 bits stays below the 32 of the widest type.
        if dtype.bits > 20 or (kind == "conv" and dtype.bits > MAX_PLANES):
            kind = "quantize"
        match kind:
            case "conv":
                layer: MapLayer = draw(convolutions(name, shape, dtype, tail))
            case "max_pool":
                layer = draw(max_pools(name, shape, dtype))
            case "sum_pool":
                layer = SumPool(name, draw(windows(shape)), dtype)
            case "quantize":
                layer = draw(quantizes(name, shape, dtype, tail))
            case "affine":
                layer = draw(affines(name, shape, dtype))
            case _:
                layer = draw(residuals(name, shape, dtype, tail))
        layers.append(layer)
        shape, dtype = layer.shape_out, layer.output
    if dtype.bits > MAX_PLANES:
        narrow = draw(quantizes("narrow", shape, dtype, tail))
        layers.append(narrow)
        dtype = narrow.output
    if draw(st.booleans()):
        neurons = draw(st.integers(1, 5))
        hidden = Dense("hidden", dtype, draw(planes(neurons, int(np.prod(shape)))), None)
        activation = draw(activations(hidden, tail))
        layers.append(replace(hidden, activation=activation))
        shape, dtype = (neurons, 1, 1), activation.dtype
    classes = draw(st.integers(1, 4))
    layers += draw(last_layers(classes, shape, dtype, tail))
    vector = hnp.arrays(np.int64, classes, elements=st.integers(-(1 << 20), 1 << 20))
    if streamlined:
        output = Output("output", draw(vector), draw(vector))
    else:
        output = replace(Output.plain("output", classes), steps=(draw(norms(classes)),))
    return Network(spec, (*layers, output))
