"""Mutated models, read one after the other: how many were read, how many refused, what failed, how long and how large.

    python benchmarks/measure_import_fuzz.py [--number 20000] [--first 0] [--cases DIR] [--only N ...]

ONNX graphs, Larq archives, BNN-PYNQ parameter folders of every kind, broken at random; the mutation of a number is
always the same (tests/frontend/fuzz.py). --cases adds a folder's .onnx files to the graphs that are broken. --only
repeats some mutations by number, and writes nothing. Minutes on one core; writes benchmarks/results/import_fuzz.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULT = Path(__file__).parent / "results" / "import_fuzz.json"

BATCH = 500
"""Mutations of one process."""

MEMORY_MIB = 1024
"""What a process may take beyond what it has before its first mutation (MEMORY of tests/frontend/fuzz.py)."""


def batch(first: int, number: int, folder: Path, cases: Path | None) -> list[dict[str, Any]]:
    """The states of the processes it took: one, and another for each that ended before its time."""
    states: list[dict[str, Any]] = []
    end = first + number
    while first < end:
        command = [sys.executable, "-W", "error::RuntimeWarning", "-m", "tests.frontend.fuzz"]
        command += [str(first), str(end - first), str(folder), *(("--cases", str(cases)) if cases else ())]
        (folder / "state.json").unlink(missing_ok=True)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if not (folder / "state.json").exists():
            raise SystemExit(done.stderr)
        state: dict[str, Any] = json.loads((folder / "state.json").read_text())
        if done.returncode:
            state["failures"].append(
                {"mutation": state["next"], "error": f"ended with {done.returncode}: {done.stderr[-1500:]}"}
            )
            state["next"] += 1
        states.append(state)
        first = state["next"]
    return states


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--only", type=int, nargs="+")
    arguments = parser.parse_args()
    cases = arguments.cases.resolve() if arguments.cases else None
    start = time.monotonic()
    states: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bnnhw-fuzz-") as folder:
        if arguments.only:
            for number in arguments.only:
                for state in batch(number, 1, Path(folder), cases):
                    print(number, state["failures"] or ("read" if state["read"] else "refused"))
            return
        end = arguments.first + arguments.number
        for first in range(arguments.first, end, BATCH):
            states += batch(first, min(BATCH, end - first), Path(folder), cases)
            failures = [failure for state in states for failure in state["failures"]]
            print(f"{states[-1]['next'] - arguments.first} of {arguments.number}, {len(failures)} failures", flush=True)
    slowest = max(states, key=lambda state: state["slowest_s"])
    result = {
        "command": "python benchmarks/measure_import_fuzz.py" + (" --cases DIR" if cases else ""),
        "first": arguments.first,
        "mutations": arguments.number,
        "read": sum(state["read"] for state in states),
        "refused": sum(state["refused"] for state in states),
        "failures": [failure for state in states for failure in state["failures"]],
        "slowest_s": slowest["slowest_s"],
        "slowest_mutation": slowest["slowest"],
        "peak_mib": max(state["peak_mib"] for state in states),
        "memory_limit_mib": MEMORY_MIB,
        "wall_s": round(time.monotonic() - start, 1),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
