"""Random layers, and random networks over feature maps with a folding for each of their matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from bnnhw.folding import ENGINES, FoldedNetwork, LayerFolding
from bnnhw.frontend.onnx.planes import weight_planes
from bnnhw.ir import (
    Affine,
    BitMatrix,
    Concat,
    Conv2d,
    DataType,
    Dense,
    InputSpec,
    Layer,
    Lookup,
    LookupConv,
    MaxPool,
    Network,
    Output,
    Quantize,
    Residual,
    SumPool,
    Thresholds,
    WeightPlane,
    Window,
)
from bnnhw.ir.arithmetic import dot_affine
from bnnhw.lowering.columns import columns_misfit

__all__ = ["Branch", "MapNetwork", "random_layer", "random_network", "random_tables", "sparse_layer", "with_engines"]

Fold: TypeAlias = tuple[int, int]
"""PE and SIMD."""


def random_layer(
    rng: np.random.Generator,
    neurons: int,
    synapses: int,
    dtype: str = "bipolar",
    output: str | None = "bipolar",
    coefficients: Sequence[int] = (1,),
    name: str = "layer",
) -> Dense:
    """A layer with random weights and thresholds near the middle of its accumulators, constants among them."""
    weights = tuple(WeightPlane(c, BitMatrix.from_bits(rng.integers(0, 2, (neurons, synapses)))) for c in coefficients)
    layer = Dense(name, DataType.parse(dtype), weights, None)
    if output is None:
        return layer
    low, high = layer.accumulator_range
    levels = DataType.parse(output).levels - 1
    spread = max((high - low) ** 0.5, 2)
    values = np.rint(rng.normal((low + high) / 2, spread, (neurons, levels))).astype(np.int64)
    values = np.sort(np.clip(values, low, high + 1), axis=1)
    return Dense(name, layer.input, weights, Thresholds(values, DataType.parse(output)))


def sparse_layer(
    rng: np.random.Generator,
    neurons: int,
    synapses: int,
    live: int,
    dtype: str = "bipolar",
    output: str = "bipolar",
    name: str = "layer",
) -> Dense:
    """Weights of which so many per neuron are -1 or +1 and all others 0, and thresholds that sums of these reach."""
    weights = np.zeros((neurons, synapses), np.int64)
    for row in weights:
        row[rng.choice(synapses, live, replace=False)] = rng.choice([-1, 1], live)
    planes, _ = weight_planes(weights)
    layer = Dense(name, DataType.parse(dtype), planes, None)
    affine, out = dot_affine(layer), DataType.parse(output)
    # Dots are the sums doubled, as ternary weights are two planes.
    dots = np.sort(2 * rng.integers(1 - live, live + 1, (neurons, out.levels - 1)), axis=1)
    low, high = layer.accumulator_range
    values = np.clip(-((affine.constants[:, None] - dots) // affine.scale), low, high + 1)
    return replace(layer, activation=Thresholds(values, out))


def random_tables(
    rng: np.random.Generator, neurons: int, inputs: int, fan_in: int, dtype: str, emits: str, name: str = "tables"
) -> Lookup:
    """A layer of random truth tables, each of random inputs."""
    kind, out = DataType.parse(dtype), DataType.parse(emits)
    entries = rng.integers(0, out.levels, (neurons, 1 << (fan_in * kind.bits)))
    return Lookup(name, inputs, kind, rng.integers(0, inputs, (neurons, fan_in)), entries, out)


def class_sums(inputs: int, classes: int) -> Dense:
    """Equally many inputs for each class, the others of weight 0: two planes that cancel."""
    own = np.repeat(np.eye(classes, dtype=np.uint8), inputs // classes, axis=1)
    planes = tuple(WeightPlane(1, BitMatrix.from_bits(bits)) for bits in (np.ones_like(own), own))
    return Dense("sums", DataType("bipolar", 1), planes, None)


class Branch:
    """Layers one behind the other, each taking what the one before gives; the whole network is one.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : (int, int, int)
        Channels, height, width of what comes in.
    dtype : DataType
        Of its elements.
    prefix : str
        Of the layers' names.
    """

    def __init__(
        self, rng: np.random.Generator, shape: tuple[int, int, int], dtype: DataType, prefix: str = ""
    ) -> None:
        self.rng, self.shape, self.dtype, self.prefix = rng, shape, dtype, prefix
        self.layers: list[Layer] = []
        self.foldings: list[LayerFolding] = []

    def _name(self, kind: str) -> str:
        return f"{self.prefix}{kind}{len(self.layers)}"

    def _add(self, layer: Layer, shape: tuple[int, int, int], dtype: DataType) -> None:
        self.layers.append(layer)
        self.shape, self.dtype = shape, dtype

    def _window(self, kernel: Fold, stride: Fold, dilation: Fold, padding: tuple[int, int, int, int]) -> Window:
        return Window(*self.shape, kernel, stride, dilation, padding)

    def conv(
        self,
        neurons: int,
        kernel: Fold,
        fold: Fold,
        *,
        stride: Fold = (1, 1),
        dilation: Fold = (1, 1),
        padding: tuple[int, int, int, int] = (0, 0, 0, 0),
        code: int = 0,
        output: str | None = "bipolar",
        memory: str = "lut",
        depthwise: bool = False,
        coefficients: Sequence[int] = (1,),
    ) -> Branch:
        window = self._window(kernel, stride, dilation, padding)
        synapses = window.area * (1 if depthwise else window.channels)
        dense = random_layer(
            self.rng, neurons, synapses, str(self.dtype), output, coefficients, name=self._name("conv")
        )
        self.foldings.append(LayerFolding(*fold, memory))
        layer = Conv2d(window, dense, code, depthwise)
        self._add(layer, layer.shape_out, layer.output)
        return self

    def pool(
        self,
        kernel: Fold,
        stride: Fold,
        *,
        padding: tuple[int, int, int, int] = (0, 0, 0, 0),
        kind: str = "max",
    ) -> Branch:
        window = self._window(kernel, stride, (1, 1), padding)
        if kind == "sum":
            summed = SumPool(self._name("sum"), window, self.dtype)
            self._add(summed, summed.shape_out, summed.output)
            return self
        minimum = self.rng.integers(0, 2, self.shape[0]) * (kind == "mixed")
        pooled = MaxPool(self._name("max"), window, self.dtype, minimum.astype(np.bool_))
        self._add(pooled, pooled.shape_out, pooled.output)
        return self

    def quantize(self, output: str = "bipolar") -> Branch:
        dtype = DataType.parse(output)
        low, high = self.dtype.minimum, self.dtype.maximum
        middle, spread = (low + high) / 2, max((high - low) / 8, 1)
        values = np.rint(self.rng.normal(middle, spread, (self.shape[0], dtype.levels - 1))).astype(np.int64)
        thresholds = Thresholds(np.sort(np.clip(values, low, high + 1), axis=1), dtype)
        self._add(Quantize(self._name("quantize"), self.shape, self.dtype, thresholds), self.shape, dtype)
        return self

    def affine(self) -> Branch:
        channels = self.shape[0]
        multiplier, offset = self.rng.integers(-3, 4, channels), self.rng.integers(-9, 10, channels)
        layer = Affine(self._name("affine"), self.shape, self.dtype, multiplier, offset)
        self._add(layer, self.shape, layer.output)
        return self

    def residual(self, body: Callable[[Branch], Branch], shortcut: Callable[[Branch], Branch] | None = None) -> Branch:
        name = self._name("residual")
        one = body(Branch(self.rng, self.shape, self.dtype, f"{name}_body_"))
        other = Branch(self.rng, self.shape, self.dtype, f"{name}_shortcut_")
        if shortcut is not None:
            shortcut(other)
        layer = Residual(name, self.shape, self.dtype, tuple(one.layers), tuple(other.layers))
        self.foldings += one.foldings + other.foldings
        self._add(layer, layer.shape_out, layer.output)
        return self

    def concat(
        self, first: Callable[[Branch], Branch], second: Callable[[Branch], Branch], flat: bool = False
    ) -> Branch:
        name = self._name("concat")
        one = first(Branch(self.rng, self.shape, self.dtype, f"{name}_first_"))
        two = second(Branch(self.rng, self.shape, self.dtype, f"{name}_second_"))
        layer = Concat(name, self.shape, self.dtype, tuple(one.layers), tuple(two.layers), flat)
        self.foldings += one.foldings + two.foldings
        self._add(layer, layer.shape_out, layer.output)
        return self

    def lookup(
        self,
        neurons: int,
        fan_in: int,
        kernel: Fold | None = None,
        *,
        stride: Fold = (1, 1),
        dilation: Fold = (1, 1),
        padding: tuple[int, int, int, int] = (0, 0, 0, 0),
        code: int = 0,
        output: str = "bipolar",
    ) -> Branch:
        """Truth tables of all elements, or of those under a window."""
        name, window = self._name("lookup"), None if kernel is None else self._window(kernel, stride, dilation, padding)
        inputs = int(np.prod(self.shape)) if window is None else window.area * window.channels
        tables = random_tables(self.rng, neurons, inputs, fan_in, str(self.dtype), output, name)
        layer = tables if window is None else LookupConv(window, tables, code)
        self._add(layer, layer.shape_out, layer.output)
        return self

    def dense(
        self,
        neurons: int,
        fold: Fold,
        output: str | None = "bipolar",
        memory: str = "lut",
        coefficients: Sequence[int] = (1,),
    ) -> Branch:
        synapses = int(np.prod(self.shape))
        layer: Dense = random_layer(
            self.rng, neurons, synapses, str(self.dtype), output, coefficients, name=self._name("dense")
        )
        self.foldings.append(LayerFolding(*fold, memory))
        self._add(layer, (neurons, 1, 1), layer.output)
        return self


class MapNetwork(Branch):
    """A whole network, from its input on."""

    def __init__(self, shape: tuple[int, int, int], dtype: str = "bipolar", seed: int = 0) -> None:
        super().__init__(np.random.default_rng(seed), shape, DataType.parse(dtype))
        self.spec = InputSpec(shape, self.dtype)

    def folded(self) -> FoldedNetwork:
        """The network, whose last layer has no activation, and its folding."""
        classes = self.shape[0]
        network = Network(self.spec, (*self.layers, Output.plain("out", classes)))
        return FoldedNetwork(network, tuple(self.foldings))


def random_network(seed: int, tables: bool = False) -> FoldedNetwork:
    """A small network of any layers with any folding, with ``tables`` of truth tables too."""
    rng = np.random.default_rng(seed)

    def fold(neurons: int, synapses: int) -> Fold:
        return int(rng.integers(1, neurons + 1)), int(rng.integers(1, synapses + 1))

    def convolution(branch: Branch, neurons: int, output: str | None, same: bool = False) -> Branch:
        channels, height, width = branch.shape
        kernel = (1 if height == 1 else int(rng.integers(1, 4)), int(rng.integers(1, 4)))
        padding = tuple(size // 2 for size in kernel)
        before, behind = tuple(size - 1 - pad for size, pad in zip(kernel, padding, strict=True)), padding
        wide = same or height < kernel[0] or width < kernel[1] or rng.random() < 0.4
        pads = (*before, *behind) if wide else (0, 0, 0, 0)
        stride = (1, 1) if same or height == 1 or rng.random() < 0.7 else (1 + int(rng.integers(0, 2)), 2)
        depthwise = rng.random() < 0.2 and neurons % channels == 0
        synapses = kernel[0] * kernel[1] * (1 if depthwise else channels)
        pe, simd = fold(neurons, synapses)
        multiplier = neurons // channels
        if depthwise and pe % multiplier and multiplier % pe:
            pe = multiplier * (1 + pe // multiplier)
        return branch.conv(
            neurons, kernel, (pe, 1 if depthwise else simd), stride=stride, padding=pads, output=output,
            depthwise=depthwise,
        )  # fmt: skip

    def lookup(branch: Branch) -> None:
        height, width = branch.shape[1:]
        kernel = (min(height, int(rng.integers(1, 4))), min(width, int(rng.integers(1, 4))))
        before, behind = (0 if size == 1 or rng.random() < 0.5 else 1 for size in kernel)
        stride = (1, 1) if height == 1 or rng.random() < 0.7 else (2, 1 + int(rng.integers(0, 2)))
        neurons, fan_in = int(rng.integers(1, 6)), int(rng.integers(1, 1 + 6 // branch.dtype.bits))
        branch.lookup(
            neurons, fan_in, kernel, stride=stride, padding=(before, behind, 0, behind),
            code=int(rng.integers(0, branch.dtype.levels)), output=str(rng.choice(["bipolar", "uint2"])),
        )  # fmt: skip

    shape = (int(rng.integers(1, 5)), int(rng.choice([1, 4, 6])), int(rng.integers(4, 9)))
    network = MapNetwork(shape, str(rng.choice(["bipolar", "uint2", "int3"])), seed)
    for _ in range(rng.integers(1, 4)):
        channels, height, width = network.shape
        kind = rng.choice(["conv", "conv", "conv", "pool", "residual", *["lookup"] * (3 * tables)])
        if kind == "lookup":
            lookup(network)
        elif kind == "pool" and min(height, width) > 1:
            network.pool((2, 2), (2, 2), kind=str(rng.choice(["max", "mixed"])))
        elif kind == "residual":
            network.residual(lambda b: convolution(b, b.shape[0], None, same=True)).quantize("uint2")
        else:
            neurons = channels if rng.random() < 0.3 else int(rng.integers(1, 6))
            convolution(network, neurons, str(rng.choice(["bipolar", "uint2"])))
    classes = int(rng.integers(1, 5))
    if tables and rng.random() < 0.3:
        network.lookup(int(rng.integers(2, 9)), 2)
    network.dense(classes, fold(classes, int(np.prod(network.shape))), None)
    # Drawn apart, so that the rest of a network does not depend on it.
    serial = np.random.default_rng((seed, 1)).random(len(network.foldings)) < 0.3
    network.foldings = [
        replace(folding, planes="serial" if one else "parallel")
        for folding, one in zip(network.foldings, serial, strict=True)
    ]
    return network.folded()


def with_columns(folded: FoldedNetwork) -> FoldedNetwork:
    """The network with the taps of all convolutions that have columns of them coming as such."""
    pairs = zip(folded.layers, folded.foldings, strict=True)
    foldings = tuple(replace(folding, columns=columns_misfit(layer) is None) for layer, folding in pairs)
    return FoldedNetwork(folded.network, foldings)


def with_vectors(folded: FoldedNetwork, seed: int) -> FoldedNetwork:
    """The network with several vectors per weight word in every layer whose folds, made longer by half, allow that."""
    rng = np.random.default_rng((seed, 3))
    foldings: list[LayerFolding] = []
    for layer, folding in zip(folded.layers, folded.foldings, strict=True):
        matrix = layer.matrix
        assert matrix is not None
        if not layer.depth_multiplier:
            folding = replace(folding, pe=-(-folding.pe // 2), simd=-(-folding.simd // 2))
            most = min(-(-matrix.neurons // folding.pe), -(-matrix.synapses // folding.simd), 4)
            folding = replace(folding, vectors=int(rng.integers(min(2, most), most + 1)))
        foldings.append(folding)
    return FoldedNetwork(folded.network, tuple(foldings))


def with_engines(folded: FoldedNetwork, seed: int | None, tables: bool = False) -> FoldedNetwork:
    """The network with half of its layers computed spatially, at least one; without a seed all that can be.

    With ``tables`` every other layer that can be truth tables is.
    """
    rng = np.random.default_rng((seed or 0, 2))
    can = [not layer.depth_multiplier for layer in folded.layers]
    chosen = [one and (seed is None or bool(rng.random() < 0.5)) for one in can]
    if not any(chosen):
        chosen = can
    foldings = [
        LayerFolding(matrix.neurons, matrix.synapses, "constant", "spatial") if spatial else folding
        for (matrix, folding), spatial in zip(folded.pairs, chosen, strict=True)
    ]
    for place, layer in enumerate(folded.layers):
        for candidate in ENGINES.named("lookup").candidates(layer) if tables and rng.random() < 0.5 else ():
            foldings[place] = candidate
    return FoldedNetwork(folded.network, tuple(foldings))
