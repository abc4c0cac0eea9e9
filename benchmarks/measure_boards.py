"""Every board: the digits network, or the largest of our models that fits, from its folding to a bitstream.

python benchmarks/measure_boards.py [BOARD ...]

Each is folded for 100,000 frames per second of the core at the board's clock, or as fast as fits; its link carries
fewer. Where the clock is reached with less than 15
% to spare, or missed, two more seeds of place and route are built. Results are kept in benchmarks/results/boards.json
board by board, the smallest first, so a run that was stopped goes on where it was; delete an entry to measure it
again.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from pathlib import Path
from typing import Any

import bnnhw
from bnnhw.boards import BOARDS, Board
from bnnhw.errors import CheckError
from bnnhw.folding import FoldedNetwork
from bnnhw.ir import Network

ROOT = Path(__file__).resolve().parent.parent
RESULT = Path(__file__).parent / "results" / "boards.json"
WORK = ROOT / "build" / "boards"
FPS = 100_000
MARGIN = 1.15
# The first that fits is built: digits, then by bits of weights.
MODELS = ("digits.onnx", "mnist-tfc.onnx", "earbud.onnx", "fsdd-mfcc.onnx", "ecg5000.onnx")
FIGURES = (
    "fmax_mhz",
    "clock_mhz",
    "timing_met",
    "utilization",
    "estimate",
    "fps",
    "latency_us",
    "link_fps",
    "stages_s",
)


def fold(network: Network, board: Board) -> FoldedNetwork:
    """The folding of a board; :class:`~bnnhw.errors.CheckError` where the network does not fit."""
    try:
        return bnnhw.fold(network, board, fps=FPS)
    except CheckError:
        return bnnhw.fold(network, board)


def measure(board: Board) -> dict[str, Any]:
    """The figures of one board, or why no model fits it."""
    refusals: dict[str, str] = {}
    for model in MODELS:
        name = Path(model).stem
        folder = WORK / board.name / name
        try:
            folded = fold(_read(model), board)
            built = _built(folded, board, folder, 0)
        # What the estimate lets pass may still be too much for synthesis or placement.
        except CheckError as error:
            refusals[name] = str(error)
            continue
        reached = {"0": built["fmax_mhz"]}
        if built["fmax_mhz"] < MARGIN * built["clock_mhz"] or not built["timing_met"]:
            reached |= {str(seed): _built(folded, board, folder, seed)["fmax_mhz"] for seed in (1, 2)}
        return {"model": name, **built, "seeds": reached}
    return {"refused": refusals}


@functools.cache
def _read(model: str) -> Network:
    return bnnhw.read(ROOT / "models" / model)


def _built(folded: FoldedNetwork, board: Board, folder: Path, seed: int) -> dict[str, Any]:
    out = folder / f"seed{seed}"
    result = bnnhw.build_bitstream(folded, board, out, seed=seed)
    report = json.loads((out / "report.json").read_text())
    said = ("device", "link", "baud", "pins", "cycles_per_frame")
    # Their versions, without where they lie.
    versions = {name: tool.split()[-1] for name, tool in report["tools"].items()}
    return {**result.figures(), **{key: report[key] for key in said}, "tools": versions}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("boards", nargs="*", choices=[[], *BOARDS], metavar="BOARD")
    wanted = parser.parse_args().boards or list(BOARDS)
    for board in wanted:
        results: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        if board in results:
            continue
        entry = measure(BOARDS[board])
        # Others may have been measured meanwhile.
        results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        results[board] = entry
        ordered = {name: results[name] for name in BOARDS if name in results}
        RESULT.write_text(json.dumps(ordered, indent=1) + "\n")
        said = entry.get("fmax_mhz", "nothing fits")
        print(f"{board}: {entry.get('model', '')} {said}", file=sys.stderr)


if __name__ == "__main__":
    main()
