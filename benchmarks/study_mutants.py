"""Plants random faults in the package, one at a time, and sees whether the tests of the part they are in notice.

    python benchmarks/study_mutants.py [--count 200] [--seed 0] [--jobs 2] [--parts ir streamline] [--only MODULE:INDEX]

A fault is an operator, a comparison, a constant or a condition changed (:mod:`mutation.mutants`); it is
planted as the module is imported, the file stays as it is. A fault counts as noticed when the tests of its own part
fail, do not end in time, or can't be collected. Faults that change nothing anybody can see are listed with the reason
in ``benchmarks/mutation/equivalent.json`` and are left out. Writes benchmarks/results/mutants.json; about half a minute
of one core per fault.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mutation.mutants import faults
from rich.progress import track

ROOT = Path(__file__).parents[1]
RESULT = Path(__file__).parent / "results" / "mutants.json"
EQUIVALENT = Path(__file__).parent / "mutation" / "equivalent.json"
PARTS = ("ir", "frontend", "streamline", "lowering", "folding", "dataflow", "units", "links")
TIMES = 4
"""A part's tests may take so many times what they take without a fault, and a minute."""


def modules(part: str) -> Iterator[tuple[str, Path]]:
    """Name and file of every module of a part that has something to compute."""
    for path in sorted((ROOT / "bnnhw" / part).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def tests_of(part: str, path: Path) -> list[str]:
    """The tests of a module's own part, those that bear its name first."""
    if part == "units":
        folder = ROOT / "rtl_tests" / path.relative_to(ROOT / "bnnhw" / part).parts[0]
        return [str(test.relative_to(ROOT)) for test in sorted(folder.glob("test_*.py")) if test.stem != "test_bench"]
    folders = [ROOT / "tests" / part]
    if part == "links":
        folders += [ROOT / "rtl_tests" / name for name in ("uart", "axi_stream")]
    named = [test for folder in folders for test in sorted(folder.rglob(f"test_*{path.stem}*.py"))]
    return [str(test.relative_to(ROOT)) for test in (*named, *folders)]


def run(tests: list[str], mutant: str | None, timeout: float | None) -> tuple[str, float]:
    """What the tests say of a fault, or of none: ``passed``, ``failed`` or ``timeout``; and the seconds they took."""
    plugin = () if mutant is None else ("-p", "mutation.plugin")
    command = [sys.executable, "-m", "pytest", *plugin, "-x", "-q", "-n", "0", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "BNNHW_MUTANT": mutant or "", "PYTHONPATH": str(ROOT / "benchmarks")}
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, timeout=timeout, check=False, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        return "timeout", time.perf_counter() - start
    verdict = "passed" if done.returncode == 0 else "failed"
    if mutant is None and verdict == "failed":
        raise SystemExit(f"without a fault the tests must pass:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
    return verdict, time.perf_counter() - start


def sample(parts: list[str], count: int, seed: int) -> list[dict[str, Any]]:
    """A random sample of all faults of the parts, known equivalents left out."""
    known = json.loads(EQUIVALENT.read_text()) if EQUIVALENT.exists() else []
    equivalent = {(entry["module"], entry["text"], entry["what"]) for entry in known}
    found = []
    for part in parts:
        for name, path in modules(part):
            source = path.read_text()
            lines = source.splitlines()
            for index, (line, what) in enumerate(faults(source)):
                text = lines[line - 1].strip()
                if (name, text, what) not in equivalent:
                    found.append(
                        {"part": part, "module": name, "index": index, "line": line, "text": text, "what": what}
                    )
    return random.Random(seed).sample(found, min(count, len(found)))  # noqa: S311


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--only", nargs="+", default=[], metavar="MODULE:INDEX", help="these faults, and write nothing")
    arguments = parser.parse_args()
    every = sample(arguments.parts, 1 << 30, 0) if arguments.only else []
    chosen = [m for m in every if f"{m['module']}:{m['index']}" in arguments.only] or sample(
        arguments.parts, arguments.count, arguments.seed
    )
    clean: dict[tuple[str, ...], float] = {}
    for mutant in chosen:
        path = ROOT / Path(*mutant["module"].split("."))
        mutant["tests"] = tests_of(
            mutant["part"], path.with_suffix(".py") if path.with_suffix(".py").exists() else path
        )
        key = tuple(sorted(mutant["tests"]))
        if key not in clean:
            clean[key] = run(mutant["tests"], None, None)[1]

    def judge(mutant: dict[str, Any]) -> dict[str, Any]:
        limit = TIMES * clean[tuple(sorted(mutant["tests"]))] + 60
        verdict, seconds = run(mutant.pop("tests"), f"{mutant['module']}:{mutant['index']}", limit)
        if verdict == "passed":
            place = f"{mutant['module']}:{mutant['index']} line {mutant['line']}"
            print(f"survived: {place}: {mutant['what']}: {mutant['text']}", flush=True)
        return {**mutant, "verdict": verdict, "seconds": round(seconds, 1)}

    with ThreadPoolExecutor(arguments.jobs) as pool:
        judged = list(track(pool.map(judge, chosen), "mutants", total=len(chosen)))
    survived = [mutant for mutant in judged if mutant["verdict"] == "passed"]
    rows = {part: [m for m in judged if m["part"] == part] for part in arguments.parts}
    summary = {
        part: {"planted": len(ms), "noticed": sum(m["verdict"] != "passed" for m in ms)} for part, ms in rows.items()
    }
    print(json.dumps(summary, indent=2), f"{len(judged) - len(survived)} of {len(judged)} noticed")
    if not arguments.only:
        data = {"seed": arguments.seed, "parts": summary, "survived": survived}
        RESULT.write_text(json.dumps(data, indent=2) + "\n")


if __name__ == "__main__":
    main()
