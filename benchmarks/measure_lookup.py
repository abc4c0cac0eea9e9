"""Measures a network of truth tables at its core rate: a frame per cycle from an on-chip store, on a board's device.

    python benchmarks/measure_lookup.py N.bnn --board icebreaker --dataset mnist --data DIR [--seeds 0 1 2] [-o R.json]

Every frame of the test split goes through the generated Verilog in Verilator and is compared with the reference; then
the accelerator between a store of frames in block RAM (the bits that it reads, no others) and a counter of wrong
classes is synthesized, placed and routed with each seed. Cells are given of the accelerator alone, and of everything.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from bnnhw import boards, datasets
from bnnhw.boards import Board
from bnnhw.build.place_route import PlaceRoute, place_and_route
from bnnhw.build.synth import CellCounts, synthesize
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.ir import Lookup, Network, archive
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import emit
from bnnhw.sim.simulate import simulate

FRAMES = 256
"""Frames in the store: what one block RAM of an iCE40 holds of a bit."""

UNCONSTRAINED = {"ice40": "--pcf-allow-unconstrained", "ecp5": "--lpf-allow-unconstrained"}


class StoreTop(wiring.Component):
    """Frames from a store, one after another without end, and how many classes were wrong.

    Parameters
    ----------
    core : Accelerator
        Takes a frame as one word.
    codes : uint8 array (frames, elements)
    labels : integer array (frames,)
    read : sequence of int
        Elements that the network reads.

    Members
    -------
    hold : In(1)
        No result is taken; so the handshake is not optimized away.
    errors : Out(16)
    """

    def __init__(self, core: Accelerator, codes: NDArray[Any], labels: NDArray[Any], read: Sequence[int]) -> None:
        self._core, self._codes, self._labels, self._read = core, codes, labels, read
        super().__init__({"hold": In(1), "errors": Out(16)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        core, bits = self._core, self._core.graph.input.bits
        m.submodules.core = core
        words = [sum(int(row[e]) << (place * bits) for place, e in enumerate(self._read)) for row in self._codes]
        block = {"ram_style": "block"}
        m.submodules.store = store = Memory(shape=bits * len(self._read), depth=len(words), init=words, attrs=block)
        m.submodules.labels = labels = Memory(shape=8, depth=len(words), init=self._labels.tolist(), attrs=block)
        frame, wanted = store.read_port(), labels.read_port()
        started, following, result = Signal(), Signal(range(len(words))), Signal(range(len(words)))
        held, taken = Signal(), Signal()
        m.d.comb += [
            core.input.valid.eq(started),
            # A frame stays until it is accepted.
            frame.addr.eq(following),
            frame.en.eq(~started | core.input.ready),
            core.output.ready.eq(~held),
            taken.eq(core.output.valid & ~held),
            wanted.addr.eq(result),
            wanted.en.eq(1),
        ]
        m.d.sync += [
            started.eq(1),
            following.eq(following + frame.en),
            held.eq(self.hold),
            result.eq(result + taken),
        ]
        places = {element: place for place, element in enumerate(self._read)}
        zero: Value = Const(0, bits)
        lanes = [
            frame.data.word_select(places[e], bits) if e in places else zero for e in range(core.graph.input.frame)
        ]
        m.d.comb += core.input.payload.eq(Cat(*lanes))
        index, valid, wrong = Signal.like(core.output.payload.index), Signal(), Signal()
        m.d.sync += [
            index.eq(core.output.payload.index),
            valid.eq(taken),
            wrong.eq(valid & (index != wanted.data)),
            self.errors.eq(self.errors + wrong),
        ]
        return m


def read_by(network: Network) -> list[int]:
    """The elements of the input that the first layer reads."""
    first = network.chain[0]
    if not isinstance(first, Lookup):
        raise SystemExit(f"the first layer must be one of tables, not {first.kind}")
    return np.unique(first.sources).tolist()


def placed(top: wiring.Component, board: Board, folder: Path, seeds: Sequence[int], mhz: float) -> dict[str, Any]:
    """Cells and clocks of a top, with each seed."""
    start = time.perf_counter()
    made = emit(top, "top", board.family.technology.name)
    (folder / "top.il").write_text(made.rtlil)
    emitted = time.perf_counter()
    found = synthesize([folder / "top.il"], "top", board.family, folder, keep=made.repeated, part=board.part)
    synthesized = time.perf_counter()
    constraints = folder / "constraints"
    constraints.write_text("")
    options = (UNCONSTRAINED[board.family.technology.name],)
    results: dict[int, PlaceRoute] = {}
    for seed in seeds:
        results[seed] = place_and_route(
            board, found.netlist, constraints, folder, clock_mhz=mhz, seed=seed, stem=f"seed{seed}", options=options
        )
        print(f"seed {seed}: {results[seed].fmax_mhz:.2f} MHz", file=sys.stderr)
    return {
        "cells": found.cells.as_dict(),
        "fmax_mhz": {seed: round(result.fmax_mhz, 2) for seed, result in results.items()},
        "utilization": {seed: result.utilization for seed, result in results.items()},
        "emit_s": round(emitted - start, 1),
        "synthesis_s": round(synthesized - emitted, 1),
        "place_route_s": round(time.perf_counter() - synthesized, 1),
    }


def alone(core: Accelerator, board: Board, folder: Path) -> CellCounts:
    """Cells of the accelerator without a store."""
    made = emit(core, "core", board.family.technology.name)
    (folder / "core.il").write_text(made.rtlil)
    return synthesize([folder / "core.il"], "core", board.family, folder, keep=made.repeated, part=board.part).cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path)
    parser.add_argument("--board", default="icebreaker")
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--freq", type=float, default=75.0)
    parser.add_argument("--count", type=int)
    parser.add_argument("--keep", type=Path, help="folder for all files, kept")
    parser.add_argument("-o", dest="output", type=Path)
    options = parser.parse_args()
    board, network = boards.get(options.board), archive.load(options.network)
    data = datasets.load(options.dataset, options.data)
    codes = network.input.encode(data.x_test.reshape(len(data.x_test), -1))[: options.count]
    labels = data.y_test[: options.count]
    # A frame per cycle, whether or not the estimate leaves room for a link.
    foldings = tuple(LayerFolding(m.neurons, m.synapses, "constant", "spatial") for m in network.matrices)
    folded = FoldedNetwork(network, foldings)
    graph = folded.graph(board.family.technology)
    result = simulate(folded, codes, labels=labels, technology=board.family.technology.name, layers=True)
    figures: dict[str, Any] = {
        "network": options.network.name,
        "board": board.name,
        "device": board.part.name,
        "frames": len(codes),
        "mismatches": result.mismatches,
        "layer_mismatches": len(result.layer_mismatches),
        "accuracy": result.accuracy,
        "cycles_per_frame": result.cycles_per_frame,
        "latency_cycles": result.latency_cycles,
        "elements_read": len(read_by(network)),
        "estimate": {"lut4": graph.resources().lut4, "ff": graph.resources().ff},
    }
    print(json.dumps(figures), file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="bnnhw-lookup-") as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        figures["core"] = alone(Accelerator(graph), board, folder).as_dict()
        print(json.dumps(figures["core"]), file=sys.stderr)
        top = StoreTop(Accelerator(graph), codes[:FRAMES], labels[:FRAMES], read_by(network))
        figures["top"] = placed(top, board, folder, options.seeds, options.freq)
    slowest = min(figures["top"]["fmax_mhz"].values())
    figures["frames_per_s"] = round(slowest * 1e6 / result.cycles_per_frame)
    figures["latency_ns"] = round(result.latency_cycles / slowest * 1e3, 1)
    text = json.dumps(figures, indent=2)
    print(text)
    if options.output is not None:
        options.output.write_text(f"{text}\n")


if __name__ == "__main__":
    main()
