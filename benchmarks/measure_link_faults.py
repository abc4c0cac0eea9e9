"""Frames through a simulated link while its line damages what passes, each kind of fault by itself.

    python benchmarks/measure_link_faults.py [--link uart|spi] [--frames N] [--seed S] [--jobs J]

The emitted Verilog of the link and of a small network runs in Verilator; the host is the one of ``bnnhw run``. The line
between (``rtl_tests/uart/faulty_line.cpp``, ``rtl_tests/spi/faulty_lines.cpp``) flips, loses and doubles bits and bytes
and is stuck, in both directions. Every result is compared with the integer reference. A million frames take about six
minutes on one core. Writes the link's counts in benchmarks/results and its table in docs/links.md; stops with status 1
when a wrong result was taken as right.
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

from rtl_tests.packets.campaign import Outcome, campaign  # noqa: E402
from rtl_tests.spi import faults as spi  # noqa: E402
from rtl_tests.uart import faults as uart  # noqa: E402

LINES = {"uart": uart.LINE, "spi": spi.LINE}

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "links.md"
BEGIN, END = "<!-- measured, {link}: begin -->\n", "<!-- measured, {link}: end -->\n"

EVERY = 1200
"""Bits between faults on a wire: a fault per 9 packets."""

RUN = 10_000
"""Frames of one run of the simulation."""

COUNTS = ("frames", "faults_in", "faults_out", "resent", "reported", "wrong")


def _runs(link: str, frames: int, seed: int) -> Iterator[tuple[str, int, int]]:
    """Kind, frames and seed of every run; the kinds have equally many frames, all kinds at once as many as one."""
    faults = LINES[link].faults
    share = -(-frames // (len(faults) + 1))
    for first in range(0, share, RUN):
        for number, kind in enumerate((*faults, "all")):
            yield kind, min(RUN, share - first), seed + 1000 * number + first // RUN


def _run(link: str, kind: str, frames: int, seed: int) -> Outcome:
    line = LINES[link]
    return campaign(line, tuple(line.faults) if kind == "all" else (kind,), frames, seed, EVERY)


def measure(link: str, frames: int, seed: int, jobs: int) -> dict[str, dict[str, int]]:
    """The counts of each kind, and in all."""
    counts = {kind: dict.fromkeys(COUNTS, 0) for kind in (*LINES[link].faults, "all", "total")}
    with ProcessPoolExecutor(jobs) as pool:
        waiting = {pool.submit(_run, link, *run): run[0] for run in _runs(link, frames, seed)}
        for done in as_completed(waiting):
            for kind in (waiting[done], "total"):
                for name, value in done.result().as_dict().items():
                    counts[kind][name] += value
            total = counts["total"]
            print(f"{total['frames']:>9} frames, {total['wrong']} wrong", file=sys.stderr, flush=True)
    return counts


def page(link: str, result: dict[str, Any]) -> str:
    """The table of the documentation."""
    lines = [
        "| fault | | frames | faults, in | out | sent again | reported | wrong |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    meaning = {**LINES[link].faults, "all": "all of these, at random", "total": ""}
    for kind, counts in result["counts"].items():
        lines.append(f"| {kind} | {meaning[kind]} | " + " | ".join(f"{counts[name]:,}" for name in COUNTS) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--link", choices=LINES, default="uart")
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    chosen = parser.parse_args()
    link = chosen.link
    counts = measure(link, chosen.frames, chosen.seed, chosen.jobs)
    result = {"frames": chosen.frames, "seed": chosen.seed, "bits_between_faults": EVERY, "counts": counts}
    target = RESULTS / ("link_faults.json" if link == "uart" else f"link_faults_{link}.json")
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    text, begin, end = PAGE.read_text(encoding="utf-8"), BEGIN.format(link=link), END.format(link=link)
    before, after = text[: text.index(begin) + len(begin)], text[text.index(end) :]
    PAGE.write_text(before + page(link, result) + after, encoding="utf-8")
    sys.exit(int(counts["total"]["wrong"] > 0))


if __name__ == "__main__":
    main()
