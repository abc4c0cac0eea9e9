"""What several vectors per weight word cost and bring: LUT4 per lane of one unit, and networks on the ULX3S-85F.

    python benchmarks/measure_vectors.py [--lanes] [--network NAME=NETWORK.bnn ...] [--wanted NAME=FPS ...]
        [--synthesized NAME=DIR ...] [--built NAME=DIR ...] [--simulated NAME=FILE.json ...]

``--lanes``: the unit of ``measure_xnor_lane.py`` at 16 x 64 (SF = NF = 4), its weights in logic and in block RAM, with
1, 2 and 4 vectors per weight word, synthesized for the ECP5; about two minutes. ``--network``: the fastest folding for
the board of a network, with one vector per weight word and one tap per cycle, and without that limit: cycles, and the
estimate; ``--wanted``: what a number of frames per second at the board's clock would take on a device with room for
it. ``--synthesized``,
``--built``: what `bnnhw build` said of a folding, out of the folder that it wrote; ``--simulated``: what
`bnnhw simulate` did, out of the design's folder or its ``--json``. Writes benchmarks/results/vectors.json; what is not
measured is kept as it is.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

from measure_xnor_lane import FOLDS, random_layer
from synthesized import synthesized

from bnnhw.boards import Board, get
from bnnhw.devices.ecp5 import ECP5
from bnnhw.flow.fold import link_reserve
from bnnhw.folding import FoldedNetwork, LayerFolding, predict
from bnnhw.folding.solve import Solver
from bnnhw.ir import archive
from bnnhw.units.mvu.model import MvuUnit

RESULT = Path(__file__).parent / "results" / "vectors.json"
BOARD = "ulx3s-85f"
PE, SIMD = 16, 64

LARGER = 4
"""Devices in one, for what a number of frames would take."""


def lanes(memory: str, vectors: int) -> dict[str, Any]:
    """LUT4 per lane of a unit, all in."""
    layer = random_layer(PE * FOLDS, SIMD * FOLDS)
    model = MvuUnit(layer, LayerFolding(PE, SIMD, memory, vectors=vectors), ECP5.technology)
    with tempfile.TemporaryDirectory(prefix="bnnhw-") as folder:
        cells = synthesized(model.component(), ECP5, Path(folder), get(BOARD).part).cells
    return {
        "memory": memory,
        "vectors": vectors,
        "pe": PE,
        "simd": SIMD,
        "lut4_per_lane": round(cells.lut4 / (PE * SIMD * vectors), 3),
        "estimated_lut4": model.resources(ECP5.technology).lut4,
        **cells.as_dict(),
    }


def network(path: Path, fps: float) -> dict[str, Any]:
    """The fastest foldings of a network, with one vector per word and with more; and what so many frames would take."""
    net, board = archive.load(path), get(BOARD)
    rows: dict[str, Any] = {}
    for word, sharing in (("one", False), ("several", True)):
        folded = Solver(net, board, reserve=link_reserve(net, board)).fastest(sharing=sharing)
        rows[word] = _row(folded, board)
    if fps:
        part = dataclasses.replace(board.part, lut4=LARGER * board.lut4, block_rams=LARGER * board.block_rams)
        wanted = Solver(net, dataclasses.replace(board, part=part)).cheapest(int(board.clock_mhz * 1e6 / fps))
        assert wanted is not None, "more than so many devices hold"
        rows["wanted"] = _row(wanted, board)
    return rows


def _row(folded: FoldedNetwork, board: Board) -> dict[str, Any]:
    graph = folded.graph(board.family.technology)
    cycles, cost = predict(graph).cycles_per_frame, graph.resources()
    return {
        "cycles_per_frame": cycles,
        "frames_per_s_at_board_clock": int(board.clock_mhz * 1e6 / cycles),
        "estimated_lut4": cost.lut4,
        "block_rams": cost.bram,
        "foldings": [[f.pe, f.simd, f.vectors, f.memory, f.columns] for f in folded.foldings],
    }


def built(folder: Path) -> dict[str, Any]:
    """What a build came to."""
    report = json.loads((folder / "report.json").read_text())
    return {key: report[key] for key in ("clock_mhz", "fmax_mhz", "timing_met", "utilization", "fps", "stages_s")}


def synthesized_design(folder: Path) -> dict[str, int]:
    """What the synthesis of a build came to, cell by cell, whether it was placed or not."""
    cells = json.loads((folder / "top.stat.json").read_text())["design"]["num_cells_by_type"]
    return {kind: cells[kind] for kind in ("LUT4", "CCU2C", "TRELLIS_DPR16X4", "TRELLIS_FF", "DP16KD")}


def simulated(file: Path) -> dict[str, Any]:
    """What a simulation found."""
    data = json.loads(file.read_text())
    keys = ("images", "mismatches", "cycles_per_frame", "predicted_cycles_per_frame")
    return {key: data[key] for key in keys}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lanes", action="store_true")
    parser.add_argument("--network", action="append", default=[], metavar="NAME=NETWORK.bnn")
    parser.add_argument("--wanted", action="append", default=[], metavar="NAME=FPS")
    parser.add_argument("--built", action="append", default=[], metavar="NAME=DIR")
    parser.add_argument("--synthesized", action="append", default=[], metavar="NAME=DIR")
    parser.add_argument("--simulated", action="append", default=[], metavar="NAME=FILE.json")
    options = parser.parse_args()
    result: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    if options.lanes:
        result["lanes"] = [lanes(memory, vectors) for memory in ("lut", "block") for vectors in (1, 2, 4)]
        print(json.dumps(result["lanes"]), flush=True)
    wanted = {name: float(fps) for name, _, fps in (text.partition("=") for text in options.wanted)}
    make = {"network": network, "synthesized": synthesized_design, "built": built, "simulated": simulated}
    for key, measure in make.items():
        found: dict[str, Any] = result.setdefault(key, {})
        for name, _, path in (text.partition("=") for text in getattr(options, key)):
            found[name] = measure(Path(path), *([wanted.get(name, 0)] if key == "network" else []))
            print(name, json.dumps(found[name]), flush=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
