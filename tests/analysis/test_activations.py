"""Sites of a network, and networks of the same shape with other widths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from bnnhw.analysis import activation_sites, with_widths
from bnnhw.analysis.activations import levels
from bnnhw.errors import NetworkError
from bnnhw.ir import (
    BitMatrix,
    Conv2d,
    DataType,
    Dense,
    InputSpec,
    Network,
    Output,
    Quantize,
    Residual,
    Thresholds,
    WeightPlane,
    Window,
    batch_norm_sign,
    walk,
)
from bnnhw.ir.steps import BatchNorm
from tests.cli.conftest import make_network
from tests.map_strategies import map_networks
from tests.strategies import fixed, networks

BIPOLAR = DataType("bipolar", 1)


def matrix(name: str, neurons: int, synapses: int, dtype: DataType = BIPOLAR) -> Dense:
    return Dense(name, dtype, (WeightPlane(1, BitMatrix.from_bits(np.eye(neurons, synapses, dtype=np.uint8))),), None)


def thresholded(layer: Dense) -> Dense:
    return Dense(layer.name, layer.input, layer.weights, Thresholds(np.ones((layer.neurons, 1), int), BIPOLAR))


def residual_network(last: str = "last") -> Network:
    """A convolution, and one inside a residual layer behind its own quantization, over maps of 2 x 3 x 3."""
    shape = (2, 3, 3)
    first = Conv2d(Window(2, 4, 4, (2, 2)), thresholded(matrix("first", 2, 8)))
    body = (Conv2d(Window(2, 3, 3, (1, 1)), thresholded(matrix("inner", 2, 2))),)
    block = Residual("block", shape, BIPOLAR, body)
    signs = Quantize("signs", shape, block.output, Thresholds(np.zeros((2, 1), int), BIPOLAR))
    layers = (first, block, signs, matrix(last, 3, 18), Output.plain("output", 3))
    return Network(InputSpec((2, 4, 4), BIPOLAR), layers)


def test_sites() -> None:
    found = [(s.name, s.kind, str(s.dtype), s.elements, s.position) for s in activation_sites(residual_network())]
    assert found == [
        ("input", "input", "bipolar", 32, -1),
        ("first", "conv", "bipolar", 18, 0),
        # Inside layer 1.
        ("inner", "conv", "bipolar", 18, 1),
        ("signs", "quantize", "bipolar", 18, 2),
    ]


def test_input_gives_way_to_a_layer_of_its_name() -> None:
    assert activation_sites(residual_network("input"))[0].name == "input (2)"


def test_floats_have_no_sites() -> None:
    norm = BatchNorm(*(np.ones(2) for _ in range(4)), 0.0)
    hidden = Dense("hidden", BIPOLAR, matrix("hidden", 2, 4).weights, batch_norm_sign(norm))
    network = Network(InputSpec((4,), BIPOLAR), (hidden, matrix("last", 2, 2), Output.plain("output", 2)))
    message = r"^only a streamlined network can be analysed: run the streamlining passes first$"
    with pytest.raises(NetworkError, match=message):
        activation_sites(network)


@fixed
@given(st.one_of(networks(streamlined=True), map_networks(streamlined=True)))
def test_present_widths_are_the_network(network: Network) -> None:
    assert with_widths(network, {}) == network
    assert with_widths(network, {site.name: site.dtype.bits for site in activation_sites(network)}) == network


@fixed
@given(st.one_of(networks(streamlined=True), map_networks(streamlined=True)), st.data())
def test_widths_are_those_asked_for(network: Network, data: st.DataObject) -> None:
    widths = {site.name: data.draw(st.integers(1, 3)) for site in activation_sites(network)}
    try:
        changed = with_widths(network, widths)
    except NetworkError:
        # Sums of wider elements may be too wide for the matrix behind them.
        reject()
    assert {site.name: site.dtype.bits for site in activation_sites(changed)} == widths
    shapes = [[(layer.name, layer.shape_out) for layer in walk(n.layers[:-1])] for n in (network, changed)]
    assert shapes[0] == shapes[1]
    assert [layer.weights for layer in changed.matrices] == [layer.weights for layer in network.matrices]


def test_thresholds_are_spread_evenly() -> None:
    network = make_network((64, 12, 8, 10))
    changed = with_widths(network, {"input": 1, "dense0": 2})
    first, second = changed.matrices[:2]
    assert (str(first.input), str(second.input)) == ("bipolar", "uint2")
    assert isinstance(first.activation, Thresholds)
    # Accumulators of 64 bits are 0..64: 65 of them, in four parts.
    assert first.activation.values.tolist() == [[16, 32, 48]] * 12
    # Not named: as they were, where the range still holds them.
    assert second.activation == network.matrices[1].activation


@pytest.mark.parametrize(
    "widths, message",
    [
        ({"dense7": 2, "dense0": 1, "a": 3}, r"^widths must be those of activations, not of a, dense7$"),
        ({"dense0": 9}, r"^layer dense0: an activation must have 1 to 8 bits, not 9$"),
        ({"input": 0}, r"^layer input: an activation must have 1 to 8 bits, not 0$"),
    ],
)
def test_refused(widths: dict[str, int], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        with_widths(make_network(), widths)


@pytest.mark.parametrize("dtype", [BIPOLAR, DataType("uint", 3), DataType("int", 4), DataType("int", 8)], ids=str)
def test_levels_are_the_inverse_of_codes(dtype: DataType) -> None:
    level = np.arange(dtype.levels)
    assert levels(dtype, dtype.codes(level)).tolist() == level.tolist()
    assert np.diff(dtype.values(dtype.codes(level))).min() > 0
