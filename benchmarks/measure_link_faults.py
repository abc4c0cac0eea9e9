"""Frames through a simulated link while its line damages what passes, each kind of fault by itself.

    python benchmarks/measure_link_faults.py [--link LINK] [--frames N] [--seed S] [--jobs J] [--minutes M]

The emitted Verilog of the link and of a small network runs in Verilator; the host is the one of ``bnnhw run``. The line
between (the C++ in ``rtl_tests/LINK``) flips, loses and doubles bits and bytes and is stuck, in both directions. Every
result is compared with the integer reference. A million frames take six minutes (uart) to two hours (spi) on one core;
each run's counts are kept in build/link_faults, and one that was stopped, as by ``--minutes``, goes on where it was.
Writes the link's counts in benchmarks/results and its table in docs/links.md once all are there; stops with status 1
when a wrong result was taken as right.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bnnhw.files import package_digest  # noqa: E402
from bnnhw.links import LINKS  # noqa: E402
from rtl_tests.packets.campaign import FaultyLine, Outcome, campaign  # noqa: E402

LINES: dict[str, FaultyLine] = {
    name: importlib.import_module(f"rtl_tests.{name}.faults").LINE for name, link in LINKS.items() if link.needs_board
}

RESULTS = ROOT / "benchmarks" / "results"
WORK = ROOT / "build" / "link_faults"
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


def measure(link: str, frames: int, seed: int, jobs: int, minutes: float) -> dict[str, dict[str, int]] | None:
    """The counts of each kind, and in all; None where the time was over first."""
    end = time.monotonic() + 60 * minutes
    kept = WORK / f"{link}-{package_digest()[:16]}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    done: dict[str, dict[str, int]] = json.loads(kept.read_text()) if kept.is_file() else {}
    runs = {" ".join(map(str, run)): run for run in _runs(link, frames, seed)}
    left = [key for key in runs if key not in done]
    with ProcessPoolExecutor(jobs) as pool:
        waiting: dict[Future[Outcome], str] = {}
        while left or waiting:
            while left and len(waiting) < jobs and time.monotonic() < end:
                waiting[pool.submit(_run, link, *runs[left[0]])] = left.pop(0)
            if not waiting:
                return None
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                done[waiting.pop(future)] = future.result().as_dict()
                kept.write_text(json.dumps(done), encoding="utf-8")
                print(f"{sum(run['frames'] for run in done.values()):>9} frames", file=sys.stderr, flush=True)
    counts: dict[str, dict[str, int]] = {
        kind: dict.fromkeys(COUNTS, 0) for kind in (*LINES[link].faults, "all", "total")
    }
    for key, run in runs.items():
        for kind in (run[0], "total"):
            for name, value in done[key].items():
                counts[kind][name] += value
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
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no further run after these")
    chosen = parser.parse_args()
    link = chosen.link
    counts = measure(link, chosen.frames, chosen.seed, chosen.jobs, chosen.minutes)
    if counts is None:
        sys.exit("not all is measured yet: run it again")
    result = {"frames": chosen.frames, "seed": chosen.seed, "bits_between_faults": EVERY, "counts": counts}
    target = RESULTS / f"link_faults_{link}.json"
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    text, begin, end = PAGE.read_text(encoding="utf-8"), BEGIN.format(link=link), END.format(link=link)
    before, after = text[: text.index(begin) + len(begin)], text[text.index(end) :]
    PAGE.write_text(before + page(link, result) + after, encoding="utf-8")
    sys.exit(int(counts["total"]["wrong"] > 0))


if __name__ == "__main__":
    main()
