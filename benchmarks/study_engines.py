"""Four data sets over three engines: accuracy, LUT4 after synthesis, and frames per second of the core.

    python benchmarks/study_engines.py --data DIR --networks DIR [--only NAME ...] [--fresh]

Each network is read from ``--networks`` (NAME.bnn or NAME.onnx) or from models/, or else trained by its recipe and
kept in ``--networks``. The reference classifies the whole test split; the accelerator alone, handshake and class
included, is synthesized as the builder does it. A clock is one of nextpnr's where a file in results/ has it for this
network, board and latency; without one it is what the design is built for, and said to be. A finished network is kept
in the JSON at once, so that a rerun continues. Trainings take up to 10 minutes each, syntheses up to 5.
``python benchmarks/document.py`` makes docs/study-engines.md of the result.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from synthesized import synthesized

from bnnhw import boards, datasets
from bnnhw.boards import Board
from bnnhw.dataflow import Graph
from bnnhw.files import file_digest, write_json
from bnnhw.flow.choose import fold
from bnnhw.flow.evaluate import evaluate
from bnnhw.folding import FoldedNetwork, LayerFolding, predict
from bnnhw.frontend import read_model
from bnnhw.ir import Network, archive
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.streamline import streamline

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
RESULT = RESULTS / "engines.json"
LARGE, SMALL = "ulx3s-85f", "icebreaker"


@dataclass(frozen=True)
class Point:
    """A network on an engine and a board.

    Parameters
    ----------
    dataset : str
    engine : str
        ``"folded"``, ``"spatial"`` or ``"lookup"`` (tables, with class sums of constants).
    network : str
        Name of its file, or of its recipe; behind ``@`` the number of tables where it is not the recipe's.
    board : str
    fps : float, optional
        Of the folded engine: so many at the board's clock, at least cost. Without it the fastest that fits.
    folding : str, optional
        A folding file in examples/ instead.
    mhz : float, optional
        What its design is built for, where not the board's clock.
    """

    dataset: str
    engine: str
    network: str
    board: str = LARGE
    fps: float | None = None
    folding: str | None = None
    mhz: float | None = None

    @property
    def key(self) -> str:
        """What a row is kept by."""
        return " ".join([self.network, self.engine, self.board, *([] if self.fps is None else [f"{self.fps:g}"])])


POINTS = (
    Point("digits", "folded", "digits", SMALL, fps=5_000),
    Point("digits", "folded", "digits", SMALL),
    Point("digits", "spatial", "digits"),
    *(Point("digits", "lookup", name, SMALL) for name in ("digits-lookup@100", "digits-lookup", "digits-lookup@600")),
    Point("ecg5000", "folded", "ecg5000", SMALL, fps=5_000),
    Point("ecg5000", "folded", "ecg5000", SMALL),
    Point("ecg5000", "spatial", "ecg5000", SMALL),
    *(
        Point("ecg5000", "lookup", name, SMALL)
        for name in ("ecg5000-lookup@30", "ecg5000-lookup", "ecg5000-lookup@300", "ecg5000-lookup-conv")
    ),
    Point("fsdd", "folded", "fsdd-mfcc", SMALL, fps=5_000),
    Point("fsdd", "folded", "fsdd-mfcc", SMALL),
    Point("fsdd", "folded", "fsdd-mfcc"),
    Point("fsdd", "spatial", "fsdd-mfcc"),
    *(Point("fsdd", "lookup", name) for name in ("fsdd-lookup@300", "fsdd-lookup")),
    Point("mnist", "folded", "TFC_1W1A", SMALL),
    Point("mnist", "folded", "mnist-tfc", SMALL),
    Point("mnist", "folded", "mnist-sfc", fps=200_000),
    Point("mnist", "folded", "mnist-lfc", folding="lfc-ulx3s-85f.json", mhz=50.0),
    Point("mnist", "spatial", "mnist-sparse"),
    Point("mnist", "spatial", "TFC_1W1A"),
    Point("mnist", "lookup", "mnist-lookup-ecp5-small"),
    Point("mnist", "lookup", "mnist-lookup-up5k", SMALL),
    Point("mnist", "lookup", "mnist-lookup-ecp5"),
)


def network_of(point: Point, data: Path | None, kept: Path) -> Network:
    """A network from its file, or trained by its recipe and kept."""
    for folder in (kept, ROOT / "models"):
        for path in (folder / f"{point.network}.bnn", folder / f"{point.network}.onnx"):
            if path.suffix == ".bnn" and path.is_file():
                return archive.load(path)
            if path.is_file():
                return streamline(read_model(path).network).network
    from bnnhw.training.recipes import find_recipe
    from bnnhw.training.train import train

    name, _, tables = point.network.partition("@")
    recipe = find_recipe(name)
    if tables and recipe.lookup is not None:
        recipe = replace(recipe, lookup=replace(recipe.lookup, neurons=(int(tables),)))
    model = kept / f"{point.network}.onnx"
    train(recipe, data_dir=data, seed=0, device="cpu", output=model)
    return streamline(read_model(model).network).network


def folded_of(point: Point, network: Network, board: Board) -> FoldedNetwork:
    """The folding of a point; constants everywhere but by the folded engine."""
    if point.engine != "folded":
        # Whether or not the estimate leaves room for a link.
        matrices = network.matrices
        return FoldedNetwork(
            network, tuple(LayerFolding(m.neurons, m.synapses, "constant", "spatial") for m in matrices)
        )
    file = None if point.folding is None else ROOT / "examples" / point.folding
    return fold(network, board, folding=file, fps=point.fps, fastest=point.fps is None)


@dataclass(frozen=True)
class Documented:
    """What docs/engines.md says of a design between a store of frames and a counter, too large to be made again here.

    Parameters
    ----------
    latency : int
        Cycles.
    lut4, ff : int
        After synthesis, of everything.
    clocks : tuple of float
        MHz, one per seed; none of a design that nextpnr has not placed.
    """

    latency: int
    lut4: int
    ff: int
    clocks: tuple[float, ...]


DOCUMENTED = {
    "TFC_1W1A spatial": Documented(53, 40_811, 46_471, ()),
}
WITH_STORE = "docs/engines.md, store included"


def clock_of(point: Point, board: Board, latency: int) -> dict[str, Any]:
    """The clocks that were measured of a design of this latency and the slowest of them, or the board's."""
    places = [] if point.engine == "folded" else [("lookup.json", f"{point.network} {board.name}")]
    for file, key in (*places, ("published.json", point.network)):
        known, clocks = _clocks(file, key, board)
        if clocks and known == latency:
            return {"mhz": min(clocks), "measured": clocks, "source": f"benchmarks/results/{file}"}
    return {"mhz": board.clock_mhz if point.mhz is None else point.mhz, "measured": [], "source": "board"}


def _clocks(file: str, key: str, board: Board) -> tuple[int | None, list[float]]:
    """Cycles of latency and clocks of an entry of a result, of a board's."""
    entry = json.loads((RESULTS / file).read_text()).get(key, {})
    if entry.get("board") != board.name:
        return None, []
    built = entry.get("build", {})
    clocks = [run["fmax_mhz"] for run in built.values()] or list(entry.get("top", {}).get("fmax_mhz", {}).values())
    latency = entry.get("latency_cycles", entry.get("generate", {}).get("latency_cycles"))
    return latency, [round(mhz, 1) for mhz in clocks]


def cells_of(point: Point, board: Board, graph: Graph, kept: Path) -> dict[str, Any]:
    """Cells of the accelerator alone: what is recorded of the same file and latency, or synthesized."""
    entry = json.loads((RESULTS / "lookup.json").read_text()).get(f"{point.network} {board.name}", {})
    file = kept / f"{point.network}.bnn"
    same = file.is_file() and entry.get("sha256") == file_digest(file)
    if same and "core" in entry and entry["latency_cycles"] == predict(graph).latency_cycles:
        cells = {name: count for name, count in entry["core"].items() if name != "packed"}
        return {"cells": cells, "cells_source": "benchmarks/results/lookup.json"}
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bnnhw-engines-") as name:
        found = synthesized(Accelerator(graph), board.family, Path(name), board.part).cells
    seconds = round(time.perf_counter() - start, 1)
    return {"cells": found.as_dict(), "cells_source": "synthesis", "synthesis_s": seconds}


def measure(point: Point, data: Path | None, kept: Path) -> dict[str, Any]:
    """One row: evaluated, folded and synthesized."""
    board, network = boards.get(point.board), network_of(point, data, kept)
    x, y = datasets.load_split(point.dataset, "test", data)
    correct = int((evaluate(network, x).classes == y).sum())
    folded = folded_of(point, network, board)
    graph = folded.graph(board.family.technology)
    cycles = predict(graph)
    row = {
        "dataset": point.dataset,
        "engine": point.engine,
        "network": point.network,
        "board": board.name,
        "device": board.part.name,
        "images": len(y),
        "correct": correct,
        "input_bits": network.input.dtype.bits,
        "cycles_per_frame": cycles.cycles_per_frame,
        "estimated_lut4": graph.resources().lut4,
    }
    documented, latency = DOCUMENTED.get(f"{point.network} {point.engine}"), cycles.latency_cycles
    clock, cells = clock_of(point, board, latency), {}
    if documented is not None and not clock["measured"]:
        clocks = list(documented.clocks)
        clock = {"mhz": min(clocks, default=None), "measured": clocks, "source": WITH_STORE}
        cells = {"cells": {"lut4": documented.lut4, "ff": documented.ff, "bram": 0}, "cells_source": WITH_STORE}
        latency = documented.latency
    return {**row, "latency_cycles": latency, **(cells or cells_of(point, board, graph, kept)), "clock": clock}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--networks", type=Path, required=True, help="folder of networks; trained ones are kept there")
    parser.add_argument("--only", nargs="+", help="data sets, networks, or rows by their keys")
    parser.add_argument("--fresh", action="store_true", help="measures again what is there")
    parser.add_argument("-o", dest="output", type=Path, default=RESULT)
    options = parser.parse_args()
    options.networks.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = json.loads(options.output.read_text()) if options.output.is_file() else {}
    rows = result.setdefault("rows", {})
    result["command"] = "python benchmarks/study_engines.py --data DIR --networks DIR"
    result["tools"] = {name: version(name) for name in ("torch", "amaranth", "pyosys")}
    for point in POINTS:
        if options.only and not {point.dataset, point.network, point.key} & set(options.only):
            continue
        if point.key not in rows or options.fresh:
            rows[point.key] = measure(point, options.data, options.networks)
            print(point.key, rows[point.key], file=sys.stderr)
        result["rows"] = {p.key: rows[p.key] for p in POINTS if p.key in rows}
        write_json(options.output, result, owned=True)


if __name__ == "__main__":
    main()
