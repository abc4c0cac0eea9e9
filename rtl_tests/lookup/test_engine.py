"""Matrix layers of few live weights as truth tables: the same function on all inputs, and who is refused or chosen."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.devices import technology
from bnnhw.errors import FoldingError
from bnnhw.folding import ENGINES, FoldedNetwork, LayerFolding
from bnnhw.frontend.onnx.planes import weight_planes
from bnnhw.ir import Conv2d, DataType, Dense, Network, Output, Thresholds, Window
from bnnhw.ir.input_spec import InputSpec
from bnnhw.ir.layers.lookup import MAX_ADDRESS
from bnnhw.reference.lookup import lookup
from bnnhw.reference.product import Product
from bnnhw.units.lookup.engine import LookupEngine
from bnnhw.units.lookup.model import LookupUnit
from bnnhw.units.lookup.tabulate import live_bits, tabulated
from tests.layers import random_layer, sparse_layer
from tests.strategies import DTYPES, fixed

ENGINE = LookupEngine()


def all_codes(layer: Dense) -> np.ndarray:
    """Every vector of a layer's inputs."""
    return np.array(list(itertools.product(range(layer.input.levels), repeat=layer.synapses)), np.uint8)


@pytest.mark.parametrize(
    ("dtype", "synapses", "live", "output"),
    [
        ("bipolar", 10, 6, "bipolar"),
        ("bipolar", 9, 8, "bipolar"),
        ("bipolar", 9, 3, "uint2"),
        ("uint1", 9, 5, "int2"),
        ("uint2", 5, 4, "bipolar"),
        ("int3", 4, 2, "int3"),
        ("uint8", 2, 1, "uint4"),
    ],
)
def test_equal_on_all_inputs(dtype: str, synapses: int, live: int, output: str) -> None:
    layer = sparse_layer(np.random.default_rng(live), 20, synapses, live, dtype, output)
    assert live_bits(layer).max() <= live * layer.input.bits
    codes = all_codes(layer)
    assert np.array_equal(lookup(tabulated(layer))(codes), Product(layer).output(codes))


@st.composite
def layers(draw: st.DrawFn) -> Dense:
    """Weights of any few values, zeros among them, and thresholds anywhere, also where they are never or always met."""
    dtype, out = draw(DTYPES), draw(DTYPES)
    synapses, neurons = draw(st.integers(1, 8 // dtype.bits)), draw(st.integers(1, 5))
    most = draw(st.sampled_from([1, 1, 3]))
    rows = st.lists(st.integers(-most, most), min_size=synapses, max_size=synapses)
    planes, _ = weight_planes(np.array(draw(st.lists(rows, min_size=neurons, max_size=neurons))))
    layer = Dense("layer", dtype, planes, None)
    low, high = layer.accumulator_range
    levels = st.lists(st.integers(low, high + 1), min_size=out.levels - 1, max_size=out.levels - 1).map(sorted)
    values = draw(st.lists(levels, min_size=neurons, max_size=neurons))
    return replace(layer, activation=Thresholds(np.array(values), out))


@fixed
@given(layers())
def test_any_layer(layer: Dense) -> None:
    codes = all_codes(layer)
    assert np.array_equal(lookup(tabulated(layer))(codes), Product(layer).output(codes))


def test_neurons_that_never_change_read_nothing() -> None:
    """Of any number of inputs: one that always fires, and one that never does."""
    layer = sparse_layer(np.random.default_rng(0), 4, 30, 3)
    signs = np.ones((4, 30), int)
    signs[:2] = 2 * layer.weights[0].bits.bits()[:2].astype(int) - 1
    signs[:2, 5:] = 0
    planes, _ = weight_planes(signs)
    full = Dense("layer", layer.input, planes, None)
    low, high = full.accumulator_range
    middle = (low + high) // 2
    constant = replace(full, activation=Thresholds(np.array([[middle], [middle], [low], [high + 1]]), layer.output))
    assert live_bits(constant).tolist() == [5, 5, 0, 0]
    codes = np.random.default_rng(1).integers(0, 2, (200, 30)).astype(np.uint8)
    found = lookup(tabulated(constant))(codes)
    assert np.array_equal(found, Product(constant).output(codes))
    assert (found[:, 2] == 1).all() and (found[:, 3] == 0).all()
    unit = LookupUnit(tabulated(constant))
    assert [len(table.sources) for table in unit.tables][2:] == [0, 0]


def test_refusals() -> None:
    wide = sparse_layer(np.random.default_rng(0), 3, 20, 9)
    codes = sparse_layer(np.random.default_rng(0), 3, 20, 3, "int3")
    sums = replace(sparse_layer(np.random.default_rng(0), 3, 20, 3), activation=None)
    small = sparse_layer(np.random.default_rng(0), 3, 20, 3)
    depthwise = Conv2d(Window(3, 4, 4, (2, 2)), random_layer(np.random.default_rng(0), 3, 4), 0, depthwise=True)
    bits = (
        f"a neuron must have at most {MAX_ADDRESS} input bits of weights other than 0 with the engine lookup, not 9 as"
    )
    for layer, folding, message in (
        (wide, (3, 20), f"{bits} neuron 0 has: use folded or spatial"),
        (codes, (3, 20), f"{bits} neuron 0 has: use folded or spatial"),
        (sums, (3, 20), "a layer without thresholds must have the engine folded or spatial, not lookup"),
        (depthwise, (3, 4), "a depthwise convolution must have the engine folded, not lookup"),
        (small, (2, 20), "PE must be 3 with the engine lookup, not 2"),
        (small, (3, 10), "SIMD must be 20 with the engine lookup, not 10"),
    ):
        with pytest.raises(FoldingError, match=f"^layer layer: {re.escape(message)}$"):
            ENGINE.check(layer, LayerFolding(*folding, "constant", "lookup"))
        refused = list(ENGINE.candidates(layer)) == []
        assert refused == (layer is not small)
    with pytest.raises(FoldingError, match=r"^folding: memory must be one of constant, not 'block'$"):
        LayerFolding(3, 20, "block", "lookup")
    with pytest.raises(ValueError, match=r"^layer layer must have thresholds and at most 8 live bits per neuron$"):
        tabulated(wide)


@pytest.mark.parametrize(
    ("live", "family", "cheaper"),
    [
        *((live, family, True) for live in (2, 4, 6) for family in ("ice40", "ecp5")),
        (7, "ice40", False),
        (8, "ecp5", False),
    ],
)
def test_which_is_cheaper(live: int, family: str, cheaper: bool) -> None:
    """Up to 6 inputs a table; of 7 on iCE40, where synthesis makes 6.1 instead of 7.3 LUT4 per neuron, a sum."""
    layer = sparse_layer(np.random.default_rng(live), 60, 50, live)
    found = [
        ENGINES.named(engine)
        .unit(layer, LayerFolding(60, 50, "constant", engine), technology(family))
        .resources(technology(family))
        for engine in ("lookup", "spatial")
    ]
    assert (found[0].lut4 < found[1].lut4) == cheaper


def test_a_convolution_takes_a_position_per_cycle() -> None:
    """Its kernels' live weights are inputs of tables."""
    dense = sparse_layer(np.random.default_rng(0), 3, 18, 4)
    conv = Conv2d(Window(2, 4, 5, (3, 3)), dense)
    last = random_layer(np.random.default_rng(1), 2, 18, output=None, name="last")
    network = Network(InputSpec((2, 4, 5), dense.input), (conv, last, Output.plain("out", 2)))
    foldings = LayerFolding(3, 18, "constant", "lookup"), LayerFolding(2, 18, "constant", "spatial")
    graph = FoldedNetwork(network, foldings).graph(technology("ice40"))
    (unit,) = [node.unit for node in graph.nodes if isinstance(node.unit, LookupUnit)]
    assert (unit.interval, unit.layer) == (6, tabulated(dense))
    assert DataType.parse("bipolar") == unit.layer.output
