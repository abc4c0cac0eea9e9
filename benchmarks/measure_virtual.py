"""Networks on the virtual board, every class and every score compared with the reference's.

python benchmarks/measure_virtual.py [--link LINK] [--models DIR] [--data DIR] [--only NAME] [--board BOARD]

Each network is built for each of its boards by `bnnhw build` as it is without further options, and run by
`bnnhw run --virtual --check`: what was synthesized, the netlist, and the bitstream where the family's can be unpacked.
Results are kept in benchmarks/results/virtual.json run by run, so that one that was stopped goes on where it was;
delete an entry to measure it again. The folders stay in build/virtual.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure_published import verb

from bnnhw.boards import BOARDS
from bnnhw.errors import RequestError
from bnnhw.flow.pins import with_link
from bnnhw.links import board_link

ROOT = Path(__file__).resolve().parent.parent
RESULT = Path(__file__).parent / "results" / "virtual.json"
WORK = ROOT / "build" / "virtual"
FEW = 20
"""Frames of the levels below what was synthesized."""

KEPT = ("frames", "differences", "resent", "correct", "frames_per_s", "link_fps", "fps")


@dataclass(frozen=True)
class Case:
    """One network on one board.

    Parameters
    ----------
    name : str
    model : Path
        Below the models' folder; of the repository where it is absolute.
    dataset, split : str
    board : str
    frames : int
        Through what was synthesized.
    """

    name: str
    model: Path
    dataset: str
    split: str
    board: str
    frames: int


NETWORKS = (
    ("digits", ROOT / "models" / "digits.onnx", "digits", "all"),
    ("heartbeats", ROOT / "models" / "ecg5000.onnx", "ecg5000", "test"),
    ("TFC_1W1A", Path("tfc-w1a1") / "TFC_1W1A.onnx", "mnist", "test"),
)
OTHERS = ("ulx3s-12f", "ulx3s-85f", "orangecrab-r0-2-25f", "tang-nano-9k")
CASES = (
    *(Case(*network, "icebreaker", 1000) for network in NETWORKS),
    *(Case(*NETWORKS[0], board, 100) for board in OTHERS),
)


def levels(case: Case) -> Iterator[tuple[str, int]]:
    """What is run, and how many frames go through it."""
    yield "rtl", case.frames
    yield "netlist", FEW
    if BOARDS[case.board].family.unpacker is not None:
        yield "bitstream", FEW


def built(case: Case, link: str, models: Path) -> Path:
    """The folder of a build, which `build` leaves as it is where nothing has changed."""
    folder = WORK / f"{case.name}-{case.board}-{link}"
    folder.mkdir(parents=True, exist_ok=True)
    network, bitstream = folder / "network.bnn", folder / "bitstream"
    verb("import", models / case.model, "-o", network)
    chosen = () if link == board_link(BOARDS[case.board]).name else ("--link", link)
    # A clock that is missed says nothing of what the virtual board computes.
    verb("build", network, "--board", case.board, *chosen, "-o", bitstream, allow=(0, 1))
    return bitstream


def measure(case: Case, folder: Path, level: str, frames: int, data: Path) -> dict[str, Any]:
    """The figures of one run."""
    start = time.perf_counter()
    given = ("--dataset", case.dataset, "--split", case.split, "--data", data, "--count", frames)
    level_option = () if level == "rtl" else (f"--{level}",)
    # A frame that differs is a figure too.
    told = verb("run", folder, "--virtual", *level_option, *given, "--check", allow=(0, 1))
    link = {name: value for name, value in told["link"].items() if name != "port"}
    entry = {"network": case.name, "board": case.board, "device": BOARDS[case.board].device, "level": level}
    return {
        **entry,
        "dataset": case.dataset,
        "link": link,
        **{key: told[key] for key in KEPT},
        "wall_s": round(time.perf_counter() - start, 1),
    }


def _results() -> dict[str, Any]:
    return json.loads(RESULT.read_text()) if RESULT.exists() else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--link", default="uart")
    parser.add_argument("--models", type=Path, default=ROOT.parent / "shared" / "models")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--only", choices=[network[0] for network in NETWORKS], action="append")
    parser.add_argument("--board", choices=sorted({case.board for case in CASES}), action="append")
    arguments = parser.parse_args()
    link = arguments.link
    for case in CASES:
        if (arguments.only and case.name not in arguments.only) or (
            arguments.board and case.board not in arguments.board
        ):
            continue
        try:
            with_link(BOARDS[case.board], link)
        except RequestError as error:
            print(f"{case.name}: {error}; left out", file=sys.stderr)
            continue
        if not (arguments.models / case.model).exists():
            print(f"{case.name}: {arguments.models / case.model} is not here; left out", file=sys.stderr)
            continue
        wanted = {f"{case.name} {case.board} {link} {level}": (level, frames) for level, frames in levels(case)}
        wanted = {key: value for key, value in wanted.items() if key not in _results()}
        if not wanted:
            continue
        folder = built(case, link, arguments.models)
        for key, (level, frames) in wanted.items():
            entry = measure(case, folder, level, frames, arguments.data)
            # Others may have been measured meanwhile.
            results = {**_results(), key: entry}
            RESULT.write_text(json.dumps(dict(sorted(results.items(), key=_place)), indent=1) + "\n")
            print(f"{key}: {entry['frames']} frames, {entry['differences']} differences", file=sys.stderr)


def _place(item: tuple[str, dict[str, Any]]) -> tuple[int, str]:
    """In the order of the cases, and of their levels."""
    entry = item[1]
    order = [(case.name, case.board, level) for case in CASES for level, _ in levels(case)]
    return order.index((entry["network"], entry["board"], entry["level"])), item[0]


if __name__ == "__main__":
    main()
