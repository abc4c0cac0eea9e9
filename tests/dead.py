"""Networks with neurons that nobody reads, and constant ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Layer, Lookup, Network, Output, Thresholds, WeightPlane
from tests.layers import class_sums

__all__ = ["random_tables", "tables_network", "with_dead"]


def with_dead(folded: FoldedNetwork, seed: int) -> FoldedNetwork:
    """The network with weights of 0 on some of the channels of every layer, all or a few, and constant neurons."""
    rng = np.random.default_rng((seed, 3))

    def ternary(matrix: Dense, channels: int) -> Dense:
        """Two planes that cancel where a weight is 0; accumulators and thresholds are twice as large."""
        planes: list[WeightPlane] = []
        gone = rng.random(channels) < 0.4
        zero = np.tile(gone, matrix.synapses // channels) | (rng.random((matrix.neurons, matrix.synapses)) < 0.2)
        for plane in matrix.weights:
            other = BitMatrix.from_bits(plane.bits.bits() ^ zero)
            planes += [plane, WeightPlane(plane.coefficient, other)]
        made = replace(matrix, weights=tuple(planes), activation=None)
        if not isinstance(matrix.activation, Thresholds):
            return made
        low, high = made.accumulator_range
        values = np.clip(2 * matrix.activation.values, low, high + 1)
        constant = rng.random(matrix.neurons) < 0.3
        ends = np.sort(rng.choice([low, high + 1], values.shape), axis=1)
        return replace(made, activation=Thresholds(np.where(constant[:, None], ends, values), matrix.activation.dtype))

    def dead(layers: tuple[Layer, ...], channels: int) -> tuple[Layer, ...]:
        made: list[Layer] = []
        for layer in layers:
            if layer.branches:
                layer = layer.with_branches(tuple(dead(branch, channels) for branch in layer.branches))
            elif not layer.depth_multiplier and (layer.activation is not None or layer is folded.network.chain[-1]):
                # Elsewhere accumulators twice as large would be of another type for whoever takes them.
                layer = layer if layer.matrix is None else layer.with_matrix(ternary(layer.matrix, channels))
            made.append(layer)
            channels = layer.shape_out[0]
        return tuple(made)

    network = folded.network
    chain = dead(network.chain, network.input.map[0])
    return FoldedNetwork(replace(network, layers=(*chain, network.output)), folded.foldings)


def random_tables(
    rng: np.random.Generator, name: str, inputs: int, neurons: int, fan_in: int, code: str, out: str
) -> Lookup:
    """Tables of a few of the inputs, some of them constant, some without one of their inputs, some with one twice."""
    dtype, emits = DataType.parse(code), DataType.parse(out)
    sources = rng.integers(0, inputs, (neurons, fan_in)) // 2 * (1 + rng.integers(0, 2))
    shape = (*([dtype.levels] * fan_in), neurons)
    entries = rng.integers(0, emits.levels, shape)
    entries[..., rng.random(neurons) < 0.2] = 0
    axis = int(rng.integers(0, fan_in))
    free = rng.random(neurons) < 0.3
    entries[..., free] = np.take(entries[..., free], [0], axis=axis)
    return Lookup(name, inputs, dtype, sources, entries.reshape(-1, neurons).T, emits)


def tables_network(seed: int) -> FoldedNetwork:
    """Layers of tables, a matrix in the fabric or in memory between them, class sums or a matrix behind them."""
    rng = np.random.default_rng((seed, 4))
    code, inner = (str(rng.choice(["bipolar", "uint2"])) for _ in range(2))
    inputs, classes = int(rng.integers(4, 12)), int(rng.integers(2, 4))
    layers: list[Layer] = [random_tables(rng, "first", inputs, int(rng.integers(6, 14)), 2, code, inner)]
    if rng.random() < 0.5:
        layers.append(_matrix(rng, "between", layers[-1], int(rng.integers(5, 12)), inner))
    width = classes * int(rng.integers(2, 6))
    layers.append(random_tables(rng, "second", layers[-1].shape_out[0], width, 2, inner, "bipolar"))
    layers.append(class_sums(width, classes) if rng.random() < 0.5 else _matrix(rng, "sums", layers[-1], classes, None))
    multiplier = np.ones(classes, np.int64) if rng.random() < 0.5 else rng.integers(1, 4, classes)
    spec = InputSpec((inputs,), DataType.parse(code))
    network = Network(spec, (*layers, Output("output", multiplier, rng.integers(-3, 4, classes))))
    foldings = [
        LayerFolding(matrix.neurons, matrix.synapses, "constant", "spatial")
        if matrix.name == "sums" or rng.random() < 0.5
        else LayerFolding(int(rng.integers(1, matrix.neurons + 1)), int(rng.integers(1, matrix.synapses + 1)), "lut")
        for matrix in network.matrices
    ]
    return FoldedNetwork(network, tuple(foldings))


def _matrix(rng: np.random.Generator, name: str, before: Layer, neurons: int, output: str | None) -> Dense:
    """Weights of -1, 0 and 1; of a tenth of the neurons the thresholds are at an end."""
    synapses = before.shape_out[0]
    bits = rng.integers(0, 2, (neurons, synapses))
    zero = (rng.random(synapses) < 0.4) | (rng.random((neurons, synapses)) < 0.3)
    planes = tuple(WeightPlane(1, BitMatrix.from_bits(plane)) for plane in (bits, bits ^ zero))
    layer = Dense(name, before.output, planes, None)
    if output is None:
        return layer
    low, high = layer.accumulator_range
    dtype = DataType.parse(output)
    values = np.sort(rng.integers(low, high + 2, (neurons, dtype.levels - 1)), axis=1)
    values[rng.random(neurons) < 0.1] = high + 1
    return replace(layer, activation=Thresholds(values, dtype))
