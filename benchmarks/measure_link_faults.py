"""Frames through the simulated serial link while the line damages what passes, each kind of fault by itself.

    python benchmarks/measure_link_faults.py [--frames N] [--seed S] [--jobs J]

The emitted Verilog of the link and of a small network runs in Verilator; the host is the one of ``bnnhw run``. The line
between (``rtl_tests/uart/faulty_line.cpp``) flips, loses and doubles bits and bytes and is stuck, on both wires. Every
result is compared with the integer reference. A million frames take about six minutes on one core. Writes
benchmarks/results/link_faults.json and the table in docs/links.md; stops with status 1 when a wrong result was taken
as right.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from rtl_tests.packets.campaign import FaultyLine, Outcome, campaign  # noqa: E402
from rtl_tests.spi.faults import LINE as SPI  # noqa: E402
from rtl_tests.uart.faults import LINE as UART  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "link_faults.json"
PAGE = ROOT / "docs" / "links.md"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"

EVERY = 1200
"""Bits between faults on a wire: a fault per 9 packets."""

RUN = 10_000
"""Frames of one run of the simulation."""

COUNTS = ("frames", "faults_in", "faults_out", "resent", "reported", "wrong")


def _runs(frames: int, seed: int) -> Iterator[tuple[str, int, int]]:
    """Kind, frames and seed of every run; the kinds have equally many frames, all kinds at once as many as one."""
    share = -(-frames // (len(FAULTS) + 1))
    for first in range(0, share, RUN):
        for number, kind in enumerate((*FAULTS, "all")):
            yield kind, min(RUN, share - first), seed + 1000 * number + first // RUN


def _run(kind: str, frames: int, seed: int) -> Outcome:
    return campaign(tuple(FAULTS) if kind == "all" else (kind,), frames, seed, EVERY)


def measure(frames: int, seed: int, jobs: int) -> dict[str, dict[str, int]]:
    """The counts of each kind, and in all."""
    counts = {kind: dict.fromkeys(COUNTS, 0) for kind in (*FAULTS, "all", "total")}
    with ProcessPoolExecutor(jobs) as pool:
        waiting = {pool.submit(_run, *run): run[0] for run in _runs(frames, seed)}
        for done in as_completed(waiting):
            for kind in (waiting[done], "total"):
                for name, value in done.result().as_dict().items():
                    counts[kind][name] += value
            total = counts["total"]
            print(f"{total['frames']:>9} frames, {total['wrong']} wrong", file=sys.stderr, flush=True)
    return counts


def page(result: dict[str, Any]) -> str:
    """The table of the documentation."""
    lines = [
        "| fault | | frames | faults, in | out | sent again | reported | wrong |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    meaning = {**FAULTS, "all": "all of these, at random", "total": ""}
    for kind, counts in result["counts"].items():
        lines.append(f"| {kind} | {meaning[kind]} | " + " | ".join(f"{counts[name]:,}" for name in COUNTS) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    chosen = parser.parse_args()
    counts = measure(chosen.frames, chosen.seed, chosen.jobs)
    result = {"frames": chosen.frames, "seed": chosen.seed, "bits_between_faults": EVERY, "counts": counts}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    PAGE.write_text(before + page(result) + after, encoding="utf-8")
    sys.exit(int(counts["total"]["wrong"] > 0))


if __name__ == "__main__":
    main()
