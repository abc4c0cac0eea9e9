"""Two layers of gates as one of tables of four inputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnhw.devices import technology
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.ir import DataType, InputSpec, Layer, Lookup, Network, Output
from bnnhw.lowering.gates import merged
from bnnhw.reference import evaluate
from bnnhw.sim.simulate import simulate
from tests.dead import random_tables
from tests.layers import class_sums

BIT = DataType("bipolar", 1)


def chain(seed: int, fan_ins: tuple[int, ...], types: tuple[str, ...]) -> Network:
    rng = np.random.default_rng(seed)
    layers: list[Layer] = []
    inputs = 9
    for number, (fan_in, code, out) in enumerate(zip(fan_ins, types, (*types[1:], "bipolar"), strict=True)):
        layers.append(random_tables(rng, f"gates{number}", inputs, 12, fan_in, code, out))
        inputs = 12
    spec = InputSpec((9,), DataType.parse(types[0]))
    return Network(spec, (*layers, class_sums(12, 3), Output.plain("output", 3)))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["bipolar", "uint2", "int2"])), min_size=1, max_size=5),
)
def test_computes_the_same(seed: int, layers: list[tuple[int, str]]) -> None:
    fan_ins, types = zip(*layers, strict=True)
    network = chain(seed, fan_ins, types)
    found = merged(network)
    codes = np.random.default_rng(seed).integers(0, network.input.dtype.levels, (60, 9)).astype(np.uint8)
    assert np.array_equal(evaluate(network, codes).scores, evaluate(found, codes).scores)
    tables = [layer for layer in found.chain if isinstance(layer, Lookup)]
    for first, second in zip(tables, tables[1:], strict=False):
        assert second.fan_in * first.address_bits > 4


def test_by_hand() -> None:
    """(x0 and x1) xor (x1 or x2), of which the lowest address bit is x0 and x1 stands twice."""
    gates = Lookup("gates", 3, BIT, np.array([[0, 1], [1, 2]]), np.array([[0, 0, 0, 1], [0, 1, 1, 1]]), BIT)
    last = Lookup("last", 2, BIT, np.array([[0, 1]]), np.array([[0, 1, 1, 0]]), BIT)
    network = Network(InputSpec((3,), BIT), (gates, last, class_sums(1, 1), Output.plain("output", 1)))
    (table, *_) = merged(network).chain
    assert isinstance(table, Lookup)
    assert (table.name, table.inputs, table.sources.tolist()) == ("last", 3, [[0, 1, 1, 2]])
    due = [((a & 1) & (a >> 1 & 1)) ^ ((a >> 2 & 1) | (a >> 3)) for a in range(16)]
    assert table.tables.tolist() == [due]


@pytest.mark.parametrize("fan_ins, left", [((2, 2), 1), ((2, 2, 2), 2), ((2, 2, 2, 2), 2), ((1, 2, 2), 1), ((3, 2), 2)])
def test_as_many_as_fit(fan_ins: tuple[int, ...], left: int) -> None:
    found = merged(chain(1, fan_ins, ("bipolar",) * len(fan_ins)))
    assert len(found.chain) - 1 == left


def test_in_hardware() -> None:
    """A cycle less for each pair of layers; what is compared are the streams that are there."""
    network = chain(3, (2, 2, 2, 2), ("bipolar",) * 4)
    folded = FoldedNetwork(network, (LayerFolding(3, 12, "constant", "spatial"),))
    assert [probe.layer for probe in folded.graph(technology("ecp5")).probes] == ["gates1", "gates3", "sums"]
    codes = np.random.default_rng(0).integers(0, 2, (50, 9)).astype(np.uint8)
    result = simulate(folded, codes, technology="ecp5", layers=True)
    assert (result.mismatches, result.layer_mismatches, result.layers) == (0, (), 3)
    assert result.cycles_match
