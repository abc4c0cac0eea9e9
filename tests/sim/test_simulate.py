"""A network from its integers to Verilog, and to a mapped netlist, every frame against the reference."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from bnnhw import devices
from bnnhw.build.synth import synthesize
from bnnhw.devices import technology
from bnnhw.errors import FileError, RequestError
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.folding.predict import predict
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Network, Output, Thresholds, WeightPlane
from bnnhw.reference import evaluate
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import emit, verilog
from bnnhw.sim.netlist import simulate_netlist
from bnnhw.sim.simulate import simulate
from tests.layers import with_engines
from tests.needs import SIMULATION, needs

BIPOLAR = DataType("bipolar", 1)


def network(sizes: tuple[int, ...], dtype: DataType = BIPOLAR, seed: int = 0) -> Network:
    """Random weights; thresholds about the middle of what the accumulators reach."""
    generator = np.random.default_rng(seed)
    spec = InputSpec((sizes[0],), dtype)
    layers: list[Dense | Output] = []
    for i, (synapses, neurons) in enumerate(zip(sizes, sizes[1:], strict=False)):
        plane = WeightPlane(1, BitMatrix.from_bits(generator.integers(0, 2, (neurons, synapses), np.uint8)))
        layer = Dense(f"dense{i}", dtype, (plane,), None)
        if i < len(sizes) - 2:
            low, high = layer.accumulator_range
            middle = (low + high) // 2 + generator.integers(-1, 2, (neurons, 1))
            layer = dataclasses.replace(layer, activation=Thresholds(middle, BIPOLAR))
        layers.append(layer)
        dtype = BIPOLAR
    return Network(spec, (*layers, Output.plain("output", sizes[-1])))


def frames(net: Network, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, net.input.dtype.levels, (count, net.input.elements)).astype(np.uint8)


@pytest.fixture(scope="module")
def folded() -> FoldedNetwork:
    """Neither PE nor SIMD divides anything."""
    first = LayerFolding(4, 7, "block", thresholds="block")
    foldings = (first, LayerFolding(3, 5, "lut"), LayerFolding(2, 4, "lut"))
    return FoldedNetwork(network((30, 14, 11, 5)), foldings)


@pytest.fixture(scope="module")
def simulation() -> None:
    """What these tests run."""
    needs(*SIMULATION)


@pytest.fixture(scope="module")
def text(folded: FoldedNetwork, simulation: None) -> str:
    return verilog(Accelerator(folded.graph(technology("generic"))), "accelerator")


def test_every_frame(folded: FoldedNetwork, text: str, cache: Path) -> None:
    codes = frames(folded.network, 1500)
    labels = evaluate(folded.network, codes).classes.copy()
    labels[:150] += 1
    result = simulate(folded, codes, labels=labels, verilog=text, cache=cache)
    assert (result.images, result.mismatches, result.details, result.accuracy) == (1500, 0, (), 0.9)
    prediction = predict(folded.graph(technology("generic")))
    assert result.cycles_per_frame == result.predicted_cycles_per_frame == prediction.cycles_per_frame
    assert result.latency_cycles == result.predicted_latency_cycles == prediction.latency_cycles
    assert result.cycles_match


def test_stalls(folded: FoldedNetwork, text: str, cache: Path, tmp_path: Path) -> None:
    result = simulate(folded, frames(folded.network, 300), verilog=text, stall=0.6, seed=5, cache=cache)
    assert (result.mismatches, result.accuracy) == (0, None)
    assert result.cycles_match and result.cycles_per_frame is not None


def test_mismatches_are_named(folded: FoldedNetwork, text: str, cache: Path) -> None:
    """Verilog of one network against the reference of another that differs in one threshold."""
    net = folded.network
    layer = net.matrices[1]
    assert isinstance(layer.activation, Thresholds)
    values = layer.activation.values.copy()
    values[3] += 1
    changed = dataclasses.replace(layer, activation=Thresholds(values, BIPOLAR))
    layers = tuple(changed if other is layer else other for other in net.layers)
    other = FoldedNetwork(Network(net.input, layers), folded.foldings)
    codes = frames(net, 300)
    one, two = (evaluate(n, codes) for n in (net, other.network))
    best = [scores.scores.max(axis=1) for scores in (one, two)]
    wrong = np.flatnonzero((one.classes != two.classes) | (best[0] != best[1]))
    assert len(wrong) > 0
    result = simulate(other, codes, verilog=text, cache=cache)
    assert result.mismatches == len(wrong)
    first = result.details[0]
    assert first.frame == wrong[0]
    assert first.expected == (two.classes[wrong[0]], best[1][wrong[0]])
    assert first.got == (one.classes[wrong[0]], best[0][wrong[0]])


def test_pixels_and_wide_folds(cache: Path, simulation: None) -> None:
    """SF = 1, NF = 1, PE = N, words wider than 64 bits, elements of several bits."""
    net = network((24, 10, 3), DataType("uint", 3), seed=2)
    whole = FoldedNetwork(net, (LayerFolding(10, 24, "lut"), LayerFolding(3, 10, "lut")))
    result = simulate(whole, frames(net, 200), cache=cache)
    assert result.mismatches == 0
    assert result.cycles_match and result.cycles_per_frame is not None


@pytest.mark.parametrize("family", ["ice40", "ecp5", "gowin"])
def test_netlist(folded: FoldedNetwork, family: str, cache: Path, tmp_path: Path, simulation: None) -> None:
    """After synthesis, without a reset: as the chip powers up."""
    netlist = mapped(folded, family, tmp_path)
    assert re.search({"ice40": "SB_RAM40_4K", "ecp5": "DP16KD", "gowin": "pROMX9"}[family], netlist.read_text())
    runs_as_the_reference_says(folded, netlist, family, cache)


@pytest.mark.parametrize("family", [pytest.param("ice40", marks=pytest.mark.slow), "ecp5"])
def test_netlist_of_constants(
    folded: FoldedNetwork, family: str, cache: Path, tmp_path: Path, simulation: None
) -> None:
    """All layers spatial: a frame per cycle, in the vendor's cells too."""
    spatial = with_engines(folded, None)
    runs_as_the_reference_says(spatial, mapped(spatial, family, tmp_path), family, cache)


def mapped(folded: FoldedNetwork, family: str, folder: Path) -> Path:
    """The netlist of an accelerator."""
    emitted = emit(Accelerator(folded.graph(technology(family))), "accelerator", family)
    source = folder / "accelerator.il"
    source.write_text(emitted.rtlil)
    return synthesize([source], "accelerator", devices.family(family), folder, keep=emitted.repeated).netlist


def runs_as_the_reference_says(folded: FoldedNetwork, netlist: Path, family: str, cache: Path) -> None:
    result = simulate_netlist(folded, frames(folded.network, 40), netlist, family, cache=cache)
    assert (result.images, result.mismatches) == (40, 0)
    assert result.cycles_match and result.cycles_per_frame is not None
    stalled = simulate_netlist(folded, frames(folded.network, 40), netlist, family, stall=0.5, cache=cache)
    assert stalled.mismatches == 0


def test_bad_requests(folded: FoldedNetwork, tmp_path: Path) -> None:
    codes = frames(folded.network, 4)
    with pytest.raises(RequestError, match=r"^codes must have shape \(frames, 30\), not \(4, 29\)$"):
        simulate(folded, codes[:, 1:], verilog="")
    with pytest.raises(RequestError, match=r"^labels must have shape \(4,\), not \(3,\)$"):
        simulate(folded, codes, labels=np.zeros(3, np.int64), verilog="")
    with pytest.raises(RequestError, match=r"^stall must be at least 0 and less than 1, not 1\.5$"):
        simulate(folded, codes, verilog="", stall=1.5)
    missing = tmp_path / "none.json"
    with pytest.raises(FileError, match=rf"^{re.escape(str(missing))}: no such file$"):
        simulate_netlist(folded, codes, missing, "ice40")
