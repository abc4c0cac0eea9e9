"""Every layer's stream in Verilator against the reference: what agrees, and what is said of what does not."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnhw.dataflow import Probe, StreamFormat
from bnnhw.devices import technology
from bnnhw.errors import CheckError, RequestError
from bnnhw.folding import FoldedNetwork
from bnnhw.ir import BitMatrix, Conv2d, Layer, Network, Residual, WeightPlane
from bnnhw.ir.layer import walk
from bnnhw.reference import trace
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import verilog
from bnnhw.sim.harness import ProbeRecord
from bnnhw.sim.probes import Probes
from bnnhw.sim.result import LayerMismatch
from bnnhw.sim.simulate import simulate
from bnnhw.sim.words import pack_groups, unpack_lane
from tests.layers import MapNetwork
from tests.needs import SIMULATION, needs

FRAMES = 24


def whole() -> FoldedNetwork:
    """Every kind of layer but an affine; PE divides nothing, and a word of the first layer has more than 32 bits."""
    network = MapNetwork((2, 5, 5), "uint4")
    (
        network.conv(5, (3, 3), (4, 2), output=None, padding=(1, 1, 1, 1))
        .residual(lambda b: b.quantize().conv(5, (3, 3), (2, 5), output=None, padding=(1, 1, 1, 1)))
        .quantize("uint2")
        .pool((2, 2), (2, 2))
        .conv(5, (2, 2), (3, 1), depthwise=True)
        .dense(3, (2, 3), None)
    )
    return network.folded()


def probes_of(folded: FoldedNetwork) -> tuple[Probe, ...]:
    return folded.graph(technology("generic")).probes


@pytest.fixture(scope="module")
def folded() -> FoldedNetwork:
    return whole()


@pytest.fixture(scope="module")
def text(folded: FoldedNetwork) -> str:
    needs(*SIMULATION)
    return verilog(Accelerator(folded.graph(technology("generic"))), "accelerator")


@pytest.fixture(scope="module")
def codes(folded: FoldedNetwork) -> NDArray[np.uint8]:
    spec = folded.network.input
    return np.random.default_rng(3).integers(0, spec.dtype.levels, (FRAMES, spec.elements)).astype(np.uint8)


def other_weight(network: Network, name: str, row: int, column: int) -> Network:
    """The network with one weight of one convolution turned round."""

    def visit(layer: Layer) -> Layer:
        if isinstance(layer, Residual):
            return dataclasses.replace(layer, body=tuple(visit(inner) for inner in layer.body))
        if not isinstance(layer, Conv2d) or layer.name != name:
            return layer
        bits = layer.dense.weights[0].bits.bits().copy()
        bits[row, column] ^= 1
        planes = (WeightPlane(1, BitMatrix.from_bits(bits)),)
        return layer.with_matrix(dataclasses.replace(layer.dense, weights=planes))

    return dataclasses.replace(network, layers=tuple(visit(layer) for layer in network.layers))


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_every_layer(folded: FoldedNetwork, text: str, codes: NDArray[np.uint8], stall: float, cache: Path) -> None:
    result = simulate(folded, codes, verilog=text, layers=True, stall=stall, cache=cache)
    assert (result.images, result.mismatches, result.layer_mismatches) == (FRAMES, 0, ())
    assert result.layers == len(list(walk(folded.network.layers))) - 1 == 8
    assert result.cycles_match


@pytest.mark.parametrize("name, row, column", [("conv0", 4, 3), ("residual1_body_conv1", 2, 44), ("conv4", 4, 1)])
@pytest.mark.parametrize("stall", [0.0, 0.3])
def test_a_wrong_weight_is_found_in_its_layer(
    folded: FoldedNetwork,
    text: str,
    codes: NDArray[np.uint8],
    cache: Path,
    name: str,
    row: int,
    column: int,
    stall: float,
) -> None:
    """The reference of another network than the Verilog's: its first difference, where traces differ first."""
    other = FoldedNetwork(other_weight(folded.network, name, row, column), folded.foldings)
    result = simulate(other, codes, verilog=text, layers=True, stall=stall, seed=2, cache=cache)
    found = result.layer_mismatches[0]
    probe = next(probe for probe in probes_of(folded) if probe.layer == name)
    due, got = (trace(network, codes)[name] for network in (other.network, folded.network))
    frame, element = np.argwhere(due != got)[0]
    position, channel = divmod(int(element), probe.shape[0])
    assert (found.layer, found.at) == (name, (frame, divmod(position, probe.shape[2]), channel))
    assert channel == row
    values = probe.dtype.values(np.array([due[frame, element], got[frame, element]]))
    assert (found.expected, found.got) == tuple(values.tolist())
    assert found.due == found.words == FRAMES * probe.format.words
    lanes = [one.reshape(FRAMES, -1, probe.shape[0])[:, :, row] for one in (due, got)]
    assert found.wrong == (lanes[0] != lanes[1]).sum()
    # Layers before it agree: they are none of those listed.
    order = [layer.name for layer in walk(folded.network.layers)]
    assert all(order.index(later.layer) > order.index(name) for later in result.layer_mismatches[1:])


def test_a_hang_tells_the_first_difference(
    folded: FoldedNetwork, text: str, codes: NDArray[np.uint8], cache: Path
) -> None:
    """A core whose last unit never shows its result, and whose first layer has a wrong weight."""
    other = FoldedNetwork(other_weight(folded.network, "conv0", 0, 0), folded.foldings)
    hung, count = re.subn(r"assign output_valid = [^;]+;", "assign output_valid = 1'b0;", text, count=1)
    assert count == 1
    message = (
        r"accelerator_probes: stuck at frame 0, cycle \d+: no word moved on either side; "
        r"layer conv0: \d+ of \d+ words differ, the first in frame 0, row \d, column \d, channel 0: "
        r"expected -?\d+, got -?\d+"
    )
    with pytest.raises(CheckError, match=f"^{message}$"):
        simulate(other, codes, verilog=hung, layers=True, cache=cache)


def test_words_that_do_not_come(folded: FoldedNetwork, codes: NDArray[np.uint8]) -> None:
    """As many words as are due must pass, right or wrong."""
    probes = probes_of(folded)
    watch = Probes(folded.network, codes, probes)
    records = [ProbeRecord(FRAMES * probe.format.words, 0, ()) for probe in probes]
    assert watch.mismatches(records) == ()
    records[3] = ProbeRecord(records[3].words - 1, 0, ())
    found = watch.mismatches(records)
    due = records[3].words + 1
    assert found == (LayerMismatch(probes[3].layer, 0, due - 1, due),)
    assert str(found[0]) == f"layer {probes[3].layer}: gave {due - 1} words, must be {due}"
    # Of a run that ended early nothing else can be expected.
    assert watch.finding(records) is None


def test_a_layer_that_is_not_in_the_verilog(folded: FoldedNetwork, codes: NDArray[np.uint8]) -> None:
    message = "layer conv0: unit layer0_conv0 must be in the Verilog of accelerator, and is not"
    with pytest.raises(RequestError, match=f"^{message}$"):
        simulate(folded, codes, verilog="module accelerator();\nendmodule\n", layers=True)


def test_formats(folded: FoldedNetwork) -> None:
    """Lanes, bits and group of every kind of layer, by hand."""
    forms = {probe.layer: probe.format for probe in probes_of(folded)}
    # 18 synapses of 4 bits: accumulators up to 18 * 15 = 270, 9 bits; in the sum, 511 with up to 63 of 6 bits.
    assert forms["conv0"] == StreamFormat(4, 9, 5, 125)
    assert forms["residual1_body_quantize0"] == StreamFormat(4, 1, 5, 125)
    assert forms["residual1_body_conv1"] == StreamFormat(2, 6, 5, 125)
    assert forms["residual1"] == StreamFormat(2, 10, 5, 125)
    assert forms["quantize2"] == StreamFormat(2, 2, 5, 125)
    assert forms["max3"].bits == 2 and forms["max3"].frame == 5 * 2 * 2
    assert forms["conv4"] == StreamFormat(3, 1, 5, 5)
    assert forms["dense5"] == StreamFormat(2, 3, 3, 3)


def test_pack_groups() -> None:
    rng = np.random.default_rng(1)
    for bits, lanes, group, groups in ((1, 3, 7, 4), (5, 2, 3, 2), (9, 4, 4, 3), (20, 3, 5, 2), (1, 70, 100, 2)):
        kind = np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32
        values = rng.integers(0, 1 << bits, (3, groups * group)).astype(kind)
        packed = pack_groups(values, bits, lanes, group)
        words = -(-group // lanes)
        assert packed.shape == (3, groups * words, -(-lanes * bits // 32))
        for frame in range(3):
            for number in range(groups):
                lane_codes = [
                    unpack_lane(packed[frame, number * words + word], lane, bits)
                    for word in range(words)
                    for lane in range(lanes)
                ]
                due = values[frame, number * group : (number + 1) * group].tolist()
                assert lane_codes == due + [0] * (words * lanes - group)
