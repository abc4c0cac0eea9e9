"""Networks with truth tables and class sums: units, the solver's choice, and simulation of what it generates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bnnhw import boards
from bnnhw.build.synth import synthesize
from bnnhw.dataflow import Coding
from bnnhw.dataflow.word_timing import ElementTiming
from bnnhw.devices import technology
from bnnhw.devices.ecp5 import ECP5
from bnnhw.flow.design import open_design
from bnnhw.flow.generate import generate
from bnnhw.folding import ENGINES, FoldedNetwork, LayerFolding, predict
from bnnhw.folding.solve import Solver
from bnnhw.frontend.onnx.planes import weight_planes
from bnnhw.ir import Conv2d, DataType, Dense, InputSpec, Layer, Lookup, Network, Output, Window
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import emit
from bnnhw.sim.netlist import simulate_netlist
from bnnhw.sim.simulate import simulate
from bnnhw.units.spatial.timing import StandingTiming
from bnnhw.units.straight.model import StraightUnit
from tests.layers import Branch, MapNetwork, random_layer, sparse_layer

BIT = DataType("bipolar", 1)


def lookup(name: str, inputs: int, neurons: int, fan_in: int, dtype: DataType, emits: DataType, seed: int) -> Lookup:
    rng = np.random.default_rng(seed)
    tables = rng.integers(0, emits.levels, (neurons, 1 << (fan_in * dtype.bits)))
    return Lookup(name, inputs, dtype, rng.integers(0, inputs, (neurons, fan_in)), tables, emits)


def sums(inputs: int, classes: int, dtype: DataType) -> Dense:
    planes, _ = weight_planes(np.kron(np.eye(classes, dtype=int), np.ones((1, inputs // classes), int)))
    return Dense("sums", dtype, planes, None)


def network(shape: tuple[int, ...], *layers: Layer) -> Network:
    last = layers[-1]
    return Network(InputSpec(shape, layers[0].input), (*layers, Output.plain("output", last.shape_out[0])))


@pytest.mark.parametrize(
    "family, board, timing", [("ice40", "icebreaker", StandingTiming), ("ecp5", "ulx3s-85f", ElementTiming)]
)
def test_a_frame_per_cycle(family: str, board: str, timing: type, tmp_path: Path) -> None:
    """Tables, class sums and the class: each takes all elements at once, so a frame takes one cycle."""
    made = network(
        (20,), lookup("first", 20, 24, 4, BIT, BIT, 0), lookup("second", 24, 12, 4, BIT, BIT, 1), sums(12, 3, BIT)
    )
    folded = Solver(made, boards.get(board), engines=tuple(ENGINES)).fastest()
    assert folded.foldings == (LayerFolding(3, 12, "constant", "spatial"),)
    graph = folded.graph(technology(family))
    (node,) = graph.nodes
    assert isinstance(node.unit, StraightUnit) and isinstance(node.unit.timing, timing)
    assert [part.kind for part in node.unit.parts] == ["lookup", "lookup", "spatial", "best"]
    # A cycle for each layer of tables; the class of three in capture, 2 rounds (on the ECP5 of two stages), a register;
    # the queue.
    counted = node.unit.parts[2].straight
    assert counted is not None
    latency = 1 + 1 + counted + 4 + (0 if family == "ice40" else 2) + 1
    # Sums of 0 to 4, of which an accumulator has twice as much, and 8 of the others' weights of 0.
    assert graph.probes[2].coding == Coding(2, 8, 0, 4)
    generate(folded, tmp_path / "design", board=boards.get(board))
    assert open_design(tmp_path / "design").seen.probes == graph.probes
    assert (predict(graph).cycles_per_frame, predict(graph).latency_cycles) == (1, latency)
    codes = np.random.default_rng(2).integers(0, 2, (60, 20)).astype(np.uint8)
    result = simulate(folded, codes, technology=family, layers=True)
    assert (result.mismatches, result.layer_mismatches) == (0, ())
    assert (result.cycles_per_frame, result.latency_cycles) == (1, latency)


@pytest.mark.parametrize("seed", range(2))
def test_between_folded_layers(seed: int) -> None:
    """Behind a convolution that gives position after position, in front of a folded matrix; sums ones with them."""
    rng = np.random.default_rng(seed)
    maps = Branch(rng, (2, 3, 4), DataType.parse("uint2"))
    maps.conv(3, (2, 2), (2, 3), output="uint2")
    conv = maps.layers[0]
    first = lookup("first", 18, 10, 3, conv.output, DataType("int", 2), seed)
    hidden = random_layer(rng, 7, 10, "int2", "bipolar", (1, -1), name="hidden")
    second = lookup("second", 7, 6, 5, BIT, DataType("uint", 3), seed + 10)
    last = random_layer(rng, 4, 6, "uint3", None, name="last")
    made = network((2, 3, 4), conv, first, hidden, second, last)
    spatial = LayerFolding(7, 10, "constant", "spatial")
    hidden_folding = spatial if seed else LayerFolding(2, 3, "lut")
    folded = FoldedNetwork(made, (maps.foldings[0], hidden_folding, LayerFolding(3, 2, "block")))
    codes = rng.integers(0, 4, (30, 24)).astype(np.uint8)
    result = simulate(folded, codes, layers=True, stall=0.3 * seed)
    assert (result.mismatches, result.layer_mismatches) == (0, ())
    if not seed:
        assert result.cycles_per_frame == result.predicted_cycles_per_frame


def test_weights_as_tables() -> None:
    """Of few live weights per neuron: what the solver takes, in the pipeline of a frame per cycle as tables are."""
    rng = np.random.default_rng(5)
    first = sparse_layer(rng, 24, 20, 5, name="first")
    made = network((20,), first, sparse_layer(rng, 12, 24, 8, name="second"), sums(12, 3, BIT))
    folded = Solver(made, boards.get("ulx3s-85f"), engines=tuple(ENGINES)).fastest()
    assert [folding.engine for folding in folded.foldings] == ["lookup", "spatial", "spatial"]
    graph = folded.graph(technology("ecp5"))
    assert [node.unit.kind for node in graph.nodes] == ["straight"]
    assert predict(graph).cycles_per_frame == 1
    codes = rng.integers(0, 2, (60, 20)).astype(np.uint8)
    result = simulate(folded, codes, technology="ecp5", layers=True)
    assert (result.mismatches, result.layer_mismatches, result.cycles_per_frame) == (0, (), 1)


def test_tables_joined_by_multiplexers(tmp_path: Path) -> None:
    """Of 5 to 8 inputs in an ECP5's own cells: in Verilog and in the netlist, every address of every table."""
    rng = np.random.default_rng(7)
    wide = lookup("wide", 9, 8, 8, BIT, BIT, 7)
    address = np.arange(256) & ((1 << (5 + np.arange(8)[:, None] % 4)) - 1)
    sources = rng.permuted(np.tile(np.arange(9), (8, 1)), axis=1)[:, :8]
    first = replace(wide, sources=sources, tables=np.take_along_axis(wide.tables, address, axis=1))
    made = network((9,), first, lookup("second", 8, 6, 7, BIT, DataType("uint", 2), 8), sums(6, 2, DataType("uint", 2)))
    folded = FoldedNetwork(made, (LayerFolding(2, 6, "constant", "spatial"),))
    codes = (np.arange(512)[:, None] >> np.arange(9) & 1).astype(np.uint8)
    result = simulate(folded, codes, technology="ecp5", layers=True)
    assert (result.mismatches, result.layer_mismatches, result.cycles_per_frame) == (0, (), 1)
    emitted = emit(Accelerator(folded.graph(technology("ecp5"))), "accelerator", "ecp5")
    assert all(f"cell \\{kind} " in emitted.rtlil for kind in ("LUT4", "PFUMX", "L6MUX21"))
    (tmp_path / "accelerator.il").write_text(emitted.rtlil)
    mapped = synthesize([tmp_path / "accelerator.il"], "accelerator", ECP5, tmp_path, keep=emitted.repeated)
    assert simulate_netlist(folded, codes, mapped.netlist, "ecp5").mismatches == 0


def test_positions_of_tables() -> None:
    """Tables at every position, and a convolution whose few live weights are tables, with a pool between them."""
    rng = np.random.default_rng(6)
    maps = MapNetwork((3, 7, 8), "uint2", 6)
    maps.lookup(5, 4, (3, 3), padding=(1, 1, 1, 1), code=2).pool((2, 2), (2, 2))
    kernels = sparse_layer(rng, 6, 20, 6, output="uint2", name="kernels")
    conv = Conv2d(Window(5, 3, 4, (2, 2), padding=(1, 0, 0, 0)), kernels, 1)
    last = random_layer(rng, 4, int(np.prod(conv.shape_out)), "uint2", None, name="last")
    foldings = LayerFolding(6, 20, "constant", "lookup"), LayerFolding(2, 6, "block")
    folded = FoldedNetwork(network((3, 7, 8), *maps.layers, conv, last), foldings)
    codes = rng.integers(0, 4, (30, 168)).astype(np.uint8)
    result = simulate(folded, codes, layers=True)
    assert (result.mismatches, result.layer_mismatches) == (0, ())
    assert result.cycles_per_frame == result.predicted_cycles_per_frame
    assert result.latency_cycles == result.predicted_latency_cycles


def test_a_spatial_convolution() -> None:
    """A vector per cycle behind a window unit."""
    rng = np.random.default_rng(4)
    maps = Branch(rng, (2, 4, 5), BIT)
    maps.conv(5, (3, 3), (1, 1), padding=(1, 1, 1, 1), coefficients=(1, 1))
    maps.dense(3, (3, 4), None)
    foldings = (LayerFolding(5, 18, "constant", "spatial"), maps.foldings[1])
    folded = FoldedNetwork(network((2, 4, 5), *maps.layers), foldings)
    codes = rng.integers(0, 2, (20, 40)).astype(np.uint8)
    result = simulate(folded, codes, layers=True)
    assert (result.mismatches, result.layer_mismatches) == (0, ())
    assert result.latency_cycles == result.predicted_latency_cycles


def test_tables_behind_other_units(tmp_path: Path) -> None:
    """Only what follows the first tables is one pipeline; without tables nothing is."""
    rng = np.random.default_rng(3)
    first = random_layer(rng, 8, 10, name="first")
    spatial = LayerFolding(8, 10, "constant", "spatial"), LayerFolding(2, 6, "constant", "spatial")
    made = network((10,), first, lookup("tables", 8, 6, 3, BIT, BIT, 0), sums(6, 2, BIT))
    folded = FoldedNetwork(made, spatial)
    graph = folded.graph(technology("ecp5"))
    assert [node.unit.kind for node in graph.nodes] == ["spatial", "straight"]
    # One of the eight neurons is no source of any table.
    unread = set(range(8)) - set(made.chain[1].sources.ravel().tolist())  # type: ignore[attr-defined]
    assert [probe.missing for probe in graph.probes] == [tuple(unread), (), ()] and unread
    generate(folded, tmp_path / "design", board=boards.get("ulx3s-85f"))
    assert open_design(tmp_path / "design").seen.probes == graph.probes
    codes = rng.integers(0, 2, (40, 10)).astype(np.uint8)
    for family in ("ice40", "ecp5"):
        result = simulate(folded, codes, technology=family, layers=True, stall=0.3)
        assert (result.mismatches, result.layer_mismatches) == (0, ())
    plain = FoldedNetwork(
        network((10,), random_layer(rng, 2, 10, output=None)), (LayerFolding(2, 10, "constant", "spatial"),)
    )
    assert [node.unit.kind for node in plain.graph(technology("ecp5")).nodes] == ["spatial", "best"]


def test_large_matrices_and_what_is_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first one on that runs free all is one pipeline, words of several bits too; not on iCE40."""
    monkeypatch.setattr("bnnhw.units.spatial.model.FREE", 80)
    rng = np.random.default_rng(4)
    layers = (
        random_layer(rng, 4, 5, "uint2", "bipolar", name="small"),
        random_layer(rng, 24, 4, "bipolar", "int2", name="large"),
        random_layer(rng, 3, 24, "int2", None, (1, -2), name="last"),
    )
    made = network((5,), *layers)
    folded = FoldedNetwork(made, tuple(LayerFolding(m.neurons, m.synapses, "constant", "spatial") for m in layers))
    graph = folded.graph(technology("ecp5"))
    assert [node.unit.kind for node in graph.nodes] == ["spatial", "straight"]
    codes = rng.integers(0, 4, (60, 5)).astype(np.uint8)
    for stall in (0.0, 0.4):
        result = simulate(folded, codes, technology="ecp5", layers=True, stall=stall)
        assert (result.mismatches, result.layer_mismatches) == (0, ())
    kinds = [node.unit.kind for node in folded.graph(technology("ice40")).nodes]
    assert kinds == ["spatial", "spatial", "spatial", "best"]
