"""The clock that place and route reaches, of networks over families and devices, and the path that decides it.

    python benchmarks/measure_clock.py [--seeds N] [--only WORD]

Each of benchmarks/clock_networks.py is built with its board's link and routed with N seeds, 2 by default. A row and a
seed that benchmarks/results/clock.json has are not built again. Nothing is fitted to it yet.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clock_networks import Case, cases

from bnnhw.build.floorplan import FLOORPLAN
from bnnhw.flow.build import build_bitstream

RESULT = Path(__file__).parent / "results" / "clock.json"


def measure(case: Case, seeds: int, known: dict[str, Any] | None, save: Any) -> None:
    """Builds what is not known of a network; ``save`` gets the row after each seed."""
    wanted = [str(seed) for seed in range(seeds) if known is None or str(seed) not in known["seeds"]]
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
            built = build_bitstream(folded, case.board, folder, seed=int(seed))
            row["cells"] = built.utilization[case.board.family.build_tools().logic_cell]
            plan = json.loads((folder / FLOORPLAN).read_text())["critical_path"]
            timing = json.loads((folder / "top.timing.json").read_text())
            row["seeds"][seed] = {
                "fmax_mhz": round(built.fmax_mhz, 2),
                **{key: plan[key] for key in ("logic_ns", "routing_ns", "levels")},
                "units": [hop["unit"] for hop in plan["hops"]],
                "steps": steps(timing),
            }
            save(row)
    finally:
        shutil.rmtree(folder)


def steps(timing: dict[str, Any]) -> list[list[Any]]:
    """The slowest path that begins and ends at one clock: kind, nanoseconds, ports, cell behind it."""
    paths = [path for path in timing["critical_paths"] if path["from"] == path["to"] != "<async>"]
    slowest = max(paths, key=lambda path: sum(step["delay"] for step in path["path"]))
    return [
        [step["type"], round(step["delay"], 2), step["from"]["port"], step["to"]["port"], step["to"]["cell"][-50:]]
        for step in slowest["path"]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", default="", help="networks whose name has this word")
    options = parser.parse_args()
    rows: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for case in cases():
        if options.only not in case.label:
            continue

        def save(row: dict[str, Any], label: str = case.label) -> None:
            rows[label] = row
            RESULT.write_text(json.dumps(rows, indent=1) + "\n")
            print(label, {seed: found["fmax_mhz"] for seed, found in row["seeds"].items()}, row["cells"], flush=True)

        measure(case, options.seeds, rows.get(case.label), save)


if __name__ == "__main__":
    main()
