"""Measures a network of tables or constants at its core rate: a frame per cycle from a store, on a board's device.

    python benchmarks/measure_lookup.py N.bnn --board icebreaker --dataset mnist --data DIR [--seeds 0 1 2] [-o R.json]

Every frame of the test split goes through the generated Verilog in Verilator and is compared with the reference, every
layer's stream too; then the accelerator between a store of frames in block RAM (the bits that it reads, no others) and
a counter of wrong classes is synthesized, placed and routed with each seed. Cells are given of the accelerator alone,
packed as nextpnr packs them, and of everything. The figures are kept in R.json under the network's and the board's
names, beside those of others. `--only simulate` or `--only place` does a part of it.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from amaranth.lib import wiring
from store_top import FRAMES, StoreTop, read_by

from bnnhw import boards, datasets, tools
from bnnhw.boards import Board
from bnnhw.build.place_route import place_and_route
from bnnhw.build.process import run_logged
from bnnhw.build.synth import CellCounts, count_cells, synthesize
from bnnhw.dataflow.frame import Frame
from bnnhw.files import file_digest
from bnnhw.folding import FoldedNetwork, LayerFolding, predict
from bnnhw.ir import Dense, Lookup, archive
from bnnhw.links import board_link
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import emit
from bnnhw.sim.simulate import simulate

UNCONSTRAINED = {"ice40": "--pcf-allow-unconstrained", "ecp5": "--lpf-allow-unconstrained"}


def placed(
    top: wiring.Component,
    board: Board,
    folder: Path,
    seeds: Sequence[int],
    mhz: float,
    more: Sequence[str] = (),
    jobs: int = 2,
) -> dict[str, Any]:
    """Cells and clocks of a top, with each seed; ``more``: options of nextpnr, the last of their kind holds."""
    start = time.perf_counter()
    netlist, cells = synthesized(top, "top", board, folder)
    ready = time.perf_counter()
    constraints = folder / "constraints"
    constraints.write_text("")
    options = (UNCONSTRAINED[board.family.technology.name], *more)

    digest = file_digest(netlist)

    def run(seed: int) -> dict[str, Any]:
        # A seed that the folder has of the same netlist is not placed again.
        kept = folder / f"seed{seed}.json"
        figures: dict[str, Any] = json.loads(kept.read_text()) if kept.is_file() else {}
        asked = {"netlist": digest, "target_mhz": mhz, "options": list(more)}
        if any(figures.get(name) != value for name, value in asked.items()):
            begin = time.perf_counter()
            found = place_and_route(
                board, netlist, constraints, folder, clock_mhz=mhz, seed=seed, stem=f"seed{seed}", options=options
            )
            figures = {
                **asked,
                "fmax_mhz": round(found.fmax_mhz, 2),
                "utilization": found.utilization,
                "seconds": round(time.perf_counter() - begin, 1),
            }
            kept.write_text(json.dumps(figures))
        print(f"seed {seed}: {figures['fmax_mhz']:.2f} MHz", file=sys.stderr)
        return figures

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        results = dict(zip(seeds, pool.map(run, seeds), strict=True))
    return {
        "cells": cells.as_dict(),
        "target_mhz": mhz,
        "fmax_mhz": {seed: result["fmax_mhz"] for seed, result in results.items()},
        "utilization": {seed: result["utilization"] for seed, result in results.items()},
        "synthesis_s": round(ready - start, 1),
        "place_route_s": {seed: result["seconds"] for seed, result in results.items()},
    }


def synthesized(component: wiring.Component, name: str, board: Board, folder: Path) -> tuple[Path, CellCounts]:
    """The netlist of a component and its cells; a netlist that the folder has of the same text is not made again."""
    family = board.family
    made = emit(component, name, family.technology.name)
    source, netlist = folder / f"{name}.il", folder / f"{name}.json"
    if not (netlist.is_file() and source.is_file() and source.read_text() == made.rtlil):
        source.write_text(made.rtlil)
        synthesize([source], name, family, folder, keep=made.repeated, part=board.part)
    cells = json.loads(netlist.read_text())["modules"][name]["cells"].values()
    return netlist, count_cells(Counter(cell["type"] for cell in cells), family)


CELLS = {"ice40": "ICESTORM_LC", "ecp5": "TRELLIS_COMB"}
"""What nextpnr calls a cell."""


def alone(core: Accelerator, board: Board, folder: Path) -> dict[str, Any]:
    """Cells of the accelerator without a store, after synthesis and as nextpnr packs them."""
    netlist, cells = synthesized(core, "core", board, folder)
    family = board.family.technology.name
    (folder / "core.constraints").write_text("")
    files = {"constraints": "core.constraints", "configuration": "core.configuration"}
    toolchain = board.family.build_tools()
    arguments = [
        *board.place_route_options,
        *("--json", netlist.name),
        *(option.format(**files) for option in toolchain.place_route_options),
        *(UNCONSTRAINED[family], "--pack-only"),
    ]
    log = folder / "core.nextpnr.log"
    run_logged(tools.require(toolchain.place_route), arguments, folder, log)
    packed = re.search(rf"{CELLS[family]}:\s+(\d+)/", log.read_text())
    return {**cells.as_dict(), "packed": None if packed is None else int(packed[1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path)
    parser.add_argument("--board", default="icebreaker")
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--freq", type=float, default=75.0)
    parser.add_argument("--place-route", default="", metavar="OPTIONS", help="more options of nextpnr, in one string")
    parser.add_argument("--jobs", type=int, default=2, help="seeds at a time (default: 2)")
    parser.add_argument("--count", type=int)
    parser.add_argument("--only", choices=("simulate", "place"))
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
    kept: dict[str, Any] = {}
    if options.output is not None and options.output.is_file():
        kept = json.loads(options.output.read_text())
    figures: dict[str, Any] = kept.setdefault(f"{options.network.stem} {board.name}", {})
    cycles = predict(graph)
    more = shlex.split(options.place_route)
    figures |= {
        "network": options.network.stem,
        "board": board.name,
        "device": board.part.name,
        "options": [*board.place_route_options, *more],
        "chosen_options": options.place_route,
        "sha256": file_digest(options.network),
        "neurons": [layer.neurons for layer in network.chain if isinstance(layer, Dense | Lookup)],
        "cycles_per_frame": cycles.cycles_per_frame,
        "latency_cycles": cycles.latency_cycles,
        "elements_read": len(read_by(graph)),
        "link_frames_per_s": round(board_link(board).frames_per_s(Frame.of(graph), board.clock_mhz), 1),
        "estimate": {"lut4": graph.resources().lut4, "ff": graph.resources().ff},
    }
    if options.only != "place":
        result = simulate(folded, codes, labels=labels, technology=board.family.technology.name, layers=True)
        figures["simulated"] = {
            "frames": len(codes),
            "mismatches": result.mismatches,
            "layer_mismatches": len(result.layer_mismatches),
            "accuracy": result.accuracy,
            "cycles_per_frame": result.cycles_per_frame,
            "latency_cycles": result.latency_cycles,
        }
        print(json.dumps(figures), file=sys.stderr)
    if options.only != "simulate":
        with tempfile.TemporaryDirectory(prefix="bnnhw-lookup-") as name:
            folder = options.keep or Path(name)
            folder.mkdir(parents=True, exist_ok=True)
            figures["core"] = alone(Accelerator(graph), board, folder)
            print(json.dumps(figures["core"]), file=sys.stderr)
            stored = FRAMES[board.family.technology.name]
            top = StoreTop(Accelerator(graph), codes[:stored], labels[:stored], read_by(graph))
            figures["top"] = placed(top, board, folder, options.seeds, options.freq, more, options.jobs)
        slowest = min(figures["top"]["fmax_mhz"].values())
        figures["frames_per_s"] = round(slowest * 1e6 / cycles.cycles_per_frame)
        figures["latency_ns"] = round(cycles.latency_cycles / slowest * 1e3, 1)
    text = json.dumps(kept, indent=2)
    print(text)
    if options.output is not None:
        options.output.write_text(f"{text}\n")


if __name__ == "__main__":
    main()
