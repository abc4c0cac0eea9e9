"""The clock that place and route reaches, of networks over families and devices, and the path that decides it.

    python benchmarks/measure_clock.py [--seeds N] [--only WORD]

Each of benchmarks/clock_networks.py is built with its board's link and routed with N seeds, 2 by default. A row and a
seed that benchmarks/results/clock.json has are not built again. One that is not routed within --limit seconds is kept
as such: nextpnr's router tears up and routes the same arcs for ever, now and then.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from clock_networks import Case, cases

from bnnhw.build.floorplan import FLOORPLAN, slowest_steps
from bnnhw.flow.build import build_bitstream

RESULT = Path(__file__).parent / "results" / "clock.json"


class Late(Exception):
    """A build takes too long. No :class:`TimeoutError`: that is one of files."""


def measure(case: Case, seeds: int, limit: int, known: dict[str, Any] | None, save: Any) -> None:
    """Builds what is not known of a network, ``limit`` seconds each; ``save`` gets the row after each seed."""
    done = {} if known is None else {**known["seeds"], **known.get("unrouted_s", {})}
    wanted = [str(seed) for seed in range(seeds) if str(seed) not in done]
    if not wanted:
        return
    folded = case.folded()
    row: dict[str, Any] = known or {
        "board": case.board.name,
        "device": case.board.device,
        "fitted": case.fitted,
        "foldings": [asdict(folding) for folding in folded.foldings],
        "seeds": {},
    }
    folder = Path(tempfile.mkdtemp(prefix="bnnhw-clock-"))
    try:
        for seed in wanted:
            try:
                with at_most(limit):
                    built = build_bitstream(folded, case.board, folder, seed=int(seed))
            except Late:
                row.setdefault("unrouted_s", {})[seed] = limit
                save(row)
                continue
            row["cells"] = built.utilization[case.board.family.build_tools().logic_cell]
            plan = json.loads((folder / FLOORPLAN).read_text())["critical_path"]
            timing = json.loads((folder / "top.timing.json").read_text())
            clocks = json.loads(built.report.read_text())["fmax_per_clock_mhz"]
            clock = next(name for name, mhz in clocks.items() if mhz == built.fmax_mhz)
            row["seeds"][seed] = {
                "fmax_mhz": round(built.fmax_mhz, 2),
                **{key: plan[key] for key in ("logic_ns", "routing_ns", "levels")},
                "units": [hop["unit"] for hop in plan["hops"]],
                "steps": steps(timing, clock),
            }
            save(row)
    finally:
        shutil.rmtree(folder)


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
    options = parser.parse_args()
    rows: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for case in cases():
        if options.only not in case.label:
            continue

        def save(row: dict[str, Any], label: str = case.label) -> None:
            rows[label] = row
            RESULT.write_text(json.dumps(rows, indent=1) + "\n")
            print(label, {s: found["fmax_mhz"] for s, found in row["seeds"].items()}, row.get("unrouted_s"), flush=True)

        measure(case, options.seeds, options.limit, rows.get(case.label), save)


if __name__ == "__main__":
    main()
