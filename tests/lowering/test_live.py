"""Neurons that nobody reads: what is left of a network computes the same, in the channels that are left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnhw.dataflow import Probe
from bnnhw.dataflow.format import Coding
from bnnhw.devices import technology
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.ir import (
    BitMatrix,
    DataType,
    Dense,
    InputSpec,
    Layer,
    Lookup,
    Network,
    Output,
    Thresholds,
    WeightPlane,
    walk,
)
from bnnhw.lowering.live import Live, only_live
from bnnhw.reference import evaluate, trace
from bnnhw.sim.harness import ProbeRecord
from bnnhw.sim.probes import Probes
from tests.dead import tables_network, with_dead
from tests.layers import MapNetwork, random_network, with_engines

BIT = DataType("bipolar", 1)


def of(folded: FoldedNetwork) -> Live:
    return only_live(
        folded.network, {layer.name: folding for layer, folding in zip(folded.layers, folded.foldings, strict=True)}
    )


def check(folded: FoldedNetwork) -> Live:
    """Scores are the same, and so is every layer's stream in the channels that are left."""
    network, found = folded.network, of(folded)
    rng = np.random.default_rng(1)
    codes = rng.integers(0, network.input.dtype.levels, (40, network.input.elements)).astype(np.uint8)
    assert np.array_equal(evaluate(network, codes).scores, evaluate(found.network, codes).scores)
    due, got = trace(network, codes), trace(found.network, codes)
    for layer in walk(network.chain):
        channels = found.channels.get(layer.name, np.ones(layer.shape_out[0], np.bool_))
        lacking = found.lacking if layer is network.chain[-1] else 0
        whole = due[layer.name].reshape(len(codes), -1, len(channels))[:, :, channels]
        assert np.array_equal(
            whole.reshape(len(codes), -1).astype(np.int64), got[layer.name].astype(np.int64) + lacking
        )
    # Nothing is left to leave out, and what is made of it can be built.
    FoldedNetwork(found.network, tuple(found.foldings[matrix.name] for matrix in found.network.matrices))
    return found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_maps(seed: int) -> None:
    check(with_dead(with_engines(random_network(seed), seed), seed))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_tables(seed: int) -> None:
    check(tables_network(seed))


def test_much_is_found_in_these_networks() -> None:
    maps = [check(with_dead(with_engines(random_network(seed), None), seed)).channels for seed in range(20)]
    tables = [check(tables_network(seed)).channels for seed in range(20)]
    assert sum(map(bool, maps)) > 5
    assert sum(map(bool, tables)) > 15


def test_folded_layers_are_left_as_they_are() -> None:
    for seed in range(20):
        folded = with_dead(random_network(seed), seed)
        assert of(folded).network is folded.network


def dense(name: str, weights: list[list[int]], thresholds: list[int] | None = None) -> Dense:
    """Weights of -1, 0 and 1, two planes; a dot product ``d`` of K inputs is an accumulator of ``d + K``."""
    signs = np.array(weights)
    planes = tuple(WeightPlane(1, BitMatrix.from_bits(plane)) for plane in (signs >= 0, signs > 0))
    values = None if thresholds is None else Thresholds(np.array(thresholds)[:, None], BIT)
    return Dense(name, BIT, planes, values)


def spatial(*layers: Layer, inputs: int = 3, classes: int = 2) -> FoldedNetwork:
    network = Network(InputSpec((inputs,), BIT), (*layers, Output.plain("output", classes)))
    foldings = [LayerFolding(m.neurons, m.synapses, "constant", "spatial") for m in network.matrices]
    return FoldedNetwork(network, tuple(foldings))


def test_by_hand() -> None:
    """Neuron 1 is not read; 2 is +1 always (its least accumulator is 3 - 1); 3 is -1, its threshold out of reach."""
    first = dense("first", [[1, 1, 0], [1, 0, 0], [0, -1, 0], [1, -1, 1]], [3, 4, 2, 7])
    second = dense("second", [[1, 0, 1, 0], [-1, 0, 0, 1]], [5, 4])
    last = dense("last", [[1, -1], [1, 1]])
    found = check(spatial(first, second, last))
    assert found.channels["first"].tolist() == [True, False, False, False]
    one, two, three, output = found.network.layers
    assert isinstance(one, Dense) and isinstance(two, Dense) and isinstance(output, Output)
    assert one.activation == Thresholds(np.array([[3]]), BIT)
    # x0 + 1 >= 5 - 4 once its constant inputs are known, x0 is all there is: 0 or 2; -x0 - 1 >= 4 - 4.
    assert isinstance(two.activation, Thresholds)
    assert [plane.bits.bits().tolist() for plane in two.weights] == [[[1], [0]], [[1], [0]]]
    assert two.activation.values.tolist() == [[1], [2]]
    assert three == last and output == Output.plain("output", 2) and found.lacking == 0


def test_the_output_adds_what_the_last_layer_lacks() -> None:
    """Without a neuron of weights 0 two planes of accumulators are 1 less, and their probe says so."""
    first = dense("first", [[1, 1, 0], [1, 0, 0], [0, -1, 1]], [3, 4, 3])
    last = dense("last", [[1, 0, 1], [-1, 0, 1]])
    folded = spatial(first, last)
    found = check(folded)
    assert (found.lacking, found.network.output.offset.tolist()) == (1, [1, 1])
    probes: tuple[Probe, ...] = folded.graph(technology("generic"), scores=True).probes
    assert (probes[0].missing, probes[0].channels, probes[0].shape) == ((1,), (0, 2), (2, 1, 1))
    assert (probes[1].missing, probes[1].coding) == ((), Coding(1, 1, 0, 4))
    # The sums leave out what is constant as well, where nobody sees them.
    assert folded.graph(technology("generic")).probes[1].coding == Coding(2, 1, 0, 2)
    codes = np.array([[1, 1, 0], [0, 1, 0]], np.uint8)
    words = Probes(folded.network, codes, probes).expected(0, 2)
    accumulators = trace(folded.network, codes)["last"].astype(np.int64) - 1
    # A difference is in a channel of the whole layer: here in the second of those that are there.
    records = [ProbeRecord(2, 1, ((0, words[0][0, 0] ^ 2),)), ProbeRecord(2, 0, ())]
    (difference,) = Probes(folded.network, codes, probes).mismatches(records)
    assert difference.at == (0, (0, 0), 2)
    bits = probes[1].format.bits
    assert [int(word) for word in words[1][:, 0, 0]] == [int(a) | int(b) << bits for a, b in accumulators]


def test_of_a_layer_that_nobody_reads_one_neuron_is_left() -> None:
    first = dense("first", [[1, 1, 0], [1, 0, -1]], [0, 7])
    found = check(spatial(first, dense("last", [[0, 0], [0, 0]])))
    assert found.channels["first"].tolist() == [True, False]


def test_constants_go_through_tables_and_are_left_to_class_sums() -> None:
    """A table of a constant is one of what is left; a sum that is another one for each class keeps the constant."""
    same = [1, 1, 1, 1]
    first = Lookup("first", 3, BIT, np.array([[0, 1], [1, 2], [0, 2]]), np.array([same, [0, 1, 1, 0], same]), BIT)
    sources = np.array([[0, 1], [1, 0], [0, 2]])
    second = Lookup("second", 3, BIT, sources, np.array([[0, 0, 0, 1], [0, 1, 1, 0], [0, 1, 1, 0]]), BIT)
    found = check(spatial(first, second, dense("last", [[1, 1, 1], [1, 1, 0]])))
    assert found.channels["first"].tolist() == [False, True, False]
    assert "second" not in found.channels
    (_, tables, *_) = found.network.layers
    assert isinstance(tables, Lookup)
    # All read the one that is left; where a constant stood nothing depends on the address.
    assert (tables.inputs, tables.sources.tolist()) == (1, [[0, 0], [0, 0], [0, 0]])
    assert tables.tables.tolist() == [[0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]]


def test_a_channel_of_a_map_stays_where_one_position_is_read() -> None:
    network = MapNetwork((2, 4, 4)).conv(3, (2, 2), (1, 1)).pool((2, 2), (1, 1)).dense(2, (1, 1), None)
    folded = with_engines(network.folded(), None)
    last = folded.network.chain[-1]
    assert isinstance(last, Dense)
    (plane,) = last.weights
    zero = np.zeros((2, 4, 3), np.bool_)
    zero[:, :, 1], zero[:, 1:, 2] = True, True
    other = WeightPlane(1, BitMatrix.from_bits(plane.bits.bits() ^ zero.reshape(2, 12)))
    layers = (*folded.network.chain[:-1], replace(last, weights=(plane, other)), folded.network.output)
    found = check(FoldedNetwork(replace(folded.network, layers=layers), folded.foldings))
    for layer in folded.network.chain[:-1]:
        assert found.channels[layer.name].tolist() == [True, False, True]
    assert found.network.chain[-1].shape_in[0] == 8


@pytest.mark.parametrize("code", [0, 1])
def test_a_constant_is_another_one_beside_padding(code: int) -> None:
    """A channel is constant for a padded convolution only where the padding holds the same."""
    network = MapNetwork((2, 3, 3)).conv(3, (1, 1), (1, 1)).conv(2, (3, 3), (1, 1), padding=(1, 1, 1, 1), code=code)
    folded = with_engines(network.dense(2, (1, 1), None).folded(), None)
    first, *others = folded.network.layers
    assert first.matrix is not None  # type: ignore[union-attr]
    matrix = first.matrix  # type: ignore[union-attr]
    values = np.array([[matrix.synapses + 1], [1], [1]])
    layer = first.with_activation(Thresholds(values, BIT))  # type: ignore[union-attr]
    found = check(FoldedNetwork(replace(folded.network, layers=(layer, *others)), folded.foldings))
    assert found.channels.get("conv0", np.ones(3, np.bool_)).tolist() == [code == 1, True, True]
