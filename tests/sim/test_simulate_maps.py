"""Generated Verilog of a network over feature maps in Verilator: every frame, and both cycle figures."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest

from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.frontend import read_model
from bnnhw.sim.simulate import simulate
from bnnhw.streamline import streamline
from tests.frontend.conv_models import Graph
from tests.layers import Branch, MapNetwork
from tests.needs import SIMULATION, needs


def _network() -> FoldedNetwork:
    """8-bit input with padding, a residual layer with a downsampling shortcut, pools, a depthwise convolution."""

    def shortcut(branch: Branch) -> Branch:
        return branch.pool((2, 2), (2, 2), kind="sum").quantize("uint2").conv(8, (1, 1), (4, 3), output=None)

    branch = MapNetwork((3, 12, 10), "int8").conv(6, (3, 3), (2, 9), padding=(1, 1, 1, 1), output="uint2")
    branch = branch.residual(lambda b: b.conv(8, (2, 2), (4, 6), stride=(2, 2), output=None), shortcut).affine()
    branch = (
        branch.quantize().conv(8, (3, 3), (4, 1), depthwise=True, memory="block").pool((2, 2), (2, 1), kind="mixed")
    )
    network = branch.dense(5, (2, 8), None)
    assert isinstance(network, MapNetwork)
    return network.folded()


# They run what the first of them compiles.
pytestmark = pytest.mark.xdist_group("maps in Verilator")


@pytest.fixture(scope="module", autouse=True)
def _needs() -> None:
    needs(*SIMULATION)


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_maps(cache: Path, stall: float) -> None:
    folded = _network()
    codes = np.random.default_rng(1).integers(0, 256, (40, folded.network.input.elements)).astype(np.uint8)
    result = simulate(folded, codes, technology="ecp5", stall=stall, cache=cache)
    assert (result.images, result.mismatches, result.details) == (40, 0, ())
    assert result.cycles_per_frame == result.predicted_cycles_per_frame
    assert result.latency_cycles == result.predicted_latency_cycles
    assert result.cycles_per_frame is not None


def _joined() -> FoldedNetwork:
    """Branches of other lanes and types that nest: maps, the input itself, and lists made of maps."""
    graph = Graph(2, 6, 6, seed=6)
    x = graph.quant("input", 2)
    near = graph.sign(graph.norm(graph.add("Conv", x, graph.weights(4, 2, 3, 3, bits=2), pads=[1, 1, 1, 1]), 4))
    maps = graph.add("Concat", near, x, axis=1)
    a = graph.add("Flatten", graph.quant(graph.norm(graph.add("Conv", maps, graph.weights(6, 6, 4, 4)), 6), 2))
    b = graph.add("Flatten", graph.add("MaxPool", x, kernel_shape=[3, 3], strides=[3, 3]))
    proto = graph.model(graph.add("MatMul", graph.add("Concat", b, a, axis=1), graph.weights(62, 3)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.onnx"
        path.write_bytes(proto.SerializeToString())
        network = streamline(read_model(path).network).network
    return FoldedNetwork(network, (LayerFolding(2, 6), LayerFolding(3, 4), LayerFolding(3, 2)))


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_joined_branches(cache: Path, stall: float) -> None:
    folded = _joined()
    codes = np.random.default_rng(1).integers(0, 4, (40, folded.network.input.elements)).astype(np.uint8)
    result = simulate(folded, codes, technology="ecp5", stall=stall, layers=True, cache=cache)
    assert (result.images, result.mismatches, result.details, result.layer_mismatches) == (40, 0, (), ())
    assert result.cycles_per_frame == result.predicted_cycles_per_frame
    assert result.latency_cycles == result.predicted_latency_cycles
