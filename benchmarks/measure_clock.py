"""The clock that place and route reaches, of networks over families and devices, and the path that decides it.

    python benchmarks/measure_clock.py [--seeds N] [--only WORD] [--built LABEL=DIR ...]

Each of benchmarks/clock_networks.py is built with its board's link and routed with N seeds, 2 by default. A row and a
seed that benchmarks/results/clock.json has are not built again. One that is not routed within --limit seconds is kept
as such: nextpnr's router tears up and routes the same arcs for ever, now and then. ``--built`` takes what `bnnhw build`
made of another network into the record, out of the folder that it wrote, and builds nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from clock_networks import Case, cases

from bnnhw import boards
from bnnhw.boards import Board
from bnnhw.build.floorplan import FLOORPLAN, slowest_steps
from bnnhw.flow.build import build_bitstream
from bnnhw.flow.clock import aligned, widest
from bnnhw.flow.fold import cost, link_reserve
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.ir import archive

RESULT = Path(__file__).parent / "results" / "clock.json"


class Late(Exception):
    """A build takes too long. No :class:`TimeoutError`: that is one of files."""


def measure(case: Case, seeds: int, limit: int, known: dict[str, Any] | None, save: Any) -> None:
    """Builds what is not known of a network, ``limit`` seconds each; ``save`` gets the row after each seed."""
    done = {} if known is None else {**known["seeds"], **known.get("unrouted_s", {})}
    wanted = [str(seed) for seed in range(seeds) if str(seed) not in done]
    if not wanted:
        return
    folded = case.folded(None if known is None else tuple(LayerFolding(**one) for one in known["foldings"]))
    row = known or started(folded, case.board, case.fitted)
    folder = Path(tempfile.mkdtemp(prefix="bnnhw-clock-"))
    try:
        for seed in wanted:
            try:
                with at_most(limit):
                    build_bitstream(folded, case.board, folder, seed=int(seed))
            except Late:
                row.setdefault("unrouted_s", {})[seed] = limit
                save(row)
                continue
            routed(folder, row)
            save(row)
    finally:
        shutil.rmtree(folder)


def routed(folder: Path, row: dict[str, Any]) -> None:
    """Puts what `bnnhw build` found into the row, out of its folder."""
    report = json.loads((folder / "report.json").read_text())
    # Nextpnr has no word for the logic cells of every family.
    row["cells"] = report["utilization"].get(boards.get(row["board"]).family.build_tools().logic_cell)
    plan = json.loads((folder / FLOORPLAN).read_text())["critical_path"]
    timing = json.loads((folder / "top.timing.json").read_text())
    clock = next(name for name, mhz in report["fmax_per_clock_mhz"].items() if mhz == report["fmax_mhz"])
    row["seeds"][str(report["seed"])] = {
        "fmax_mhz": round(report["fmax_mhz"], 2),
        **{key: plan[key] for key in ("logic_ns", "routing_ns", "levels")},
        "units": [hop["unit"] for hop in plan["hops"]],
        "steps": steps(timing, clock),
    }


def design(folded: FoldedNetwork, board: Board) -> dict[str, Any]:
    """What of a design its clock is estimated by: logic cells with the link (``estimate``), and the rest of
    :meth:`bnnhw.devices.speeds.Speed.fmax_mhz`.
    """
    graph = folded.graph(board.family.technology)
    return {
        "estimate": cost(folded, board).cells,
        "bits": widest(graph),
        "memory": link_reserve(folded.network, board).bram > 0,
        "aligned": aligned(graph),
    }


def built(folder: Path, known: dict[str, Any] | None) -> dict[str, Any]:
    """The row of what was built in a folder, of a network that may not be in this repository."""
    layers = json.loads((folder / "fold.json").read_text())["layers"]
    names = [field.name for field in fields(LayerFolding)]
    foldings = tuple(LayerFolding(**{name: layer[name] for name in names if name in layer}) for layer in layers)
    folded, board = FoldedNetwork(archive.load(folder / "network.bnn"), foldings), board_of(folder)
    row = known or started(folded, board, False)
    row.update(design(folded, board))
    if tuple(LayerFolding(**folding) for folding in row["foldings"]) != foldings:
        raise SystemExit(f"{folder}: is folded otherwise than what is recorded")
    routed(folder, row)
    return row


def board_of(folder: Path) -> Board:
    return boards.get(json.loads((folder / "report.json").read_text())["board"])


def started(folded: FoldedNetwork, board: Board, fitted: bool) -> dict[str, Any]:
    """A row without routes."""
    foldings = [asdict(folding) for folding in folded.foldings]
    known = {"board": board.name, "device": board.device, "fitted": fitted, "foldings": foldings}
    return {**known, **design(folded, board), "seeds": {}}


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raises :class:`Late` in what takes longer."""

    def late(*_: object) -> NoReturn:
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def steps(timing: dict[str, Any], clock: str) -> list[list[Any]]:
    """The slowest path from a register of a clock to one: kind, nanoseconds, ports, cell behind it."""
    return [
        [step["type"], round(step["delay"], 2), step["from"]["port"], step["to"]["port"], step["to"]["cell"][-50:]]
        for step in slowest_steps(timing, clock) or []
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--limit", type=int, default=900, metavar="SECONDS", help="for each build")
    parser.add_argument("--only", default="", help="networks whose name has this word")
    parser.add_argument("--built", nargs="+", default=(), metavar="LABEL=DIR", help="folders that bnnhw build wrote")
    options = parser.parse_args()
    rows: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}

    def save(label: str, row: dict[str, Any]) -> None:
        rows[label] = row
        RESULT.write_text(json.dumps(rows, indent=1) + "\n")
        print(label, {s: found["fmax_mhz"] for s, found in row["seeds"].items()}, row.get("unrouted_s"), flush=True)

    for label, _, folder in (one.rpartition("=") for one in options.built):
        save(label, built(Path(folder), rows.get(label)))
    for case in cases() if not options.built else ():
        if options.only in case.label:
            measure(case, options.seeds, options.limit, rows.get(case.label), partial(save, case.label))


if __name__ == "__main__":
    main()
