"""Plants random faults in the package, one at a time, and sees whether the tests of the part they are in notice.

    python benchmarks/study_mutants.py [--count 200] [--seed 0] [--jobs 1] [--parts ir streamline] [--only MODULE:INDEX]

A fault is an operator, a comparison, a constant, a sign or a condition changed (:mod:`mutation.mutants`); it is planted
as the module is imported, or its function is replaced; the file stays as it is. The tests run that run its line, the
quickest first; for what is computed at import, all tests of the part. It counts as noticed when
one of them fails, can't be collected, or takes :data:`TIMES` the processor time it takes without a fault. The tests
that noticed anything are run once more at the end without a fault: they must pass.

Faults that change nothing anybody can see are listed with the reason in ``benchmarks/mutation/equivalent.json`` and
left out of the sample. A first run of a part traces its tests (minutes; kept in build/mutation); then a few seconds
per fault. Writes benchmarks/results/mutants.json: one entry per part, those of other parts stay.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import signal
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from mutation.places import PARTS, ROOT, Mutant, every, is_equivalent, modules, sample, tests_of
from mutation.plugin import child
from mutation.session import UNPLANTED, WALL, serve
from mutation.trace import Trace, runs_at_import
from rich.progress import track

RESULT = Path(__file__).parent / "results" / "mutants.json"
TIMES = 4
"""Tests may take so many times the processor time that they take without a fault, and :data:`GRACE`."""
GRACE = 10.0
FIRST = 30
"""So many of the quickest tests are tried first: most faults need no more."""
HEAVY = ["pytest", "numpy", "onnx.helper", "onnxruntime", "mpmath", "numba", "torch", "amaranth.sim"]
"""What every run imports, or most: imported once, in a process that the others are forks of."""
PASSED, FAILED, INTERRUPTED, EMPTY = 0, 1, 2, 5
"""Exit statuses of pytest."""


def run(context: ForkServerContext, mutant: str | None, tests: list[str], seconds: float) -> tuple[str, str]:
    """What some tests say of a fault, or of none: ``passed``, ``failed`` or ``timeout``; and the first that failed."""
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    ours, theirs = context.Pipe(duplex=False)
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = context.Process(target=child, args=(mutant, files, tests, seconds, log.name, theirs))
        process.start()
        theirs.close()
        answer = None
        with contextlib.suppress(EOFError):
            answer = ours.recv() if ours.poll(WALL * seconds) else None
        if answer is None and process.is_alive():
            process.join(5)
        if process.is_alive():
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()
        if answer is None:
            timeout = process.exitcode in (-signal.SIGXCPU, -signal.SIGKILL)
            return ("timeout" if timeout else "failed"), f"ended by {process.exitcode}"
        status, failed, *_ = answer
        if status == EMPTY:
            return "passed", ""
        # A module that these tests do not import is without its fault: they notice nothing.
        if status not in (PASSED, FAILED, INTERRUPTED):
            raise SystemExit(f"{mutant}: pytest's status is {status}\n{Path(log.name).read_text()}")
        return ("passed" if status == PASSED else "failed"), failed


class Part:
    """The tests of a part, or of a unit: what they run, and processes that have collected them.

    Parameters
    ----------
    context : ForkServerContext
    name : str
    files : list of str
    """

    def __init__(self, context: ForkServerContext, name: str, files: list[str]) -> None:
        self.trace = Trace(name, files)
        self._context, self._files = context, files
        self._idle: list[Connection] = []

    def _session(self) -> Connection:
        if self._idle:
            return self._idle.pop()
        ours, theirs = self._context.Pipe()
        self._context.Process(target=serve, args=(self._files, theirs), daemon=True).start()
        theirs.close()
        if ours.recv():
            raise SystemExit(f"without a fault the tests must be collected: {', '.join(self._files)}")
        return ours  # pyright: ignore[reportReturnType] (on Windows it is of another class)

    def ask(self, mutant: str, tests: list[str], *, anew: bool) -> tuple[str, str]:
        """What some tests say of a fault; ``anew``: in a process that imports the module with it."""
        seconds = TIMES * self.trace.seconds(tests) + GRACE
        if anew:
            return run(self._context, mutant, tests, seconds)
        session = self._session()
        session.send((mutant, tests, seconds))
        verdict, failed = session.recv()
        self._idle.append(session)
        return run(self._context, mutant, tests, seconds) if verdict == UNPLANTED else (verdict, failed)

    def close(self) -> None:
        for session in self._idle:
            session.send(None)


def judge(part: Part, mutant: Mutant, path: Path, most: float) -> dict[str, Any]:
    """Whether a fault is noticed, by which test, and in how many seconds."""
    start = time.perf_counter()
    trace = part.trace
    exact, others = trace.touching(path, mutant.line)
    # What is computed at import may show anywhere; in a function, no test that does not run the line can notice it.
    # So may what no test runs: the import has run it, inside a function.
    at_import = not exact or runs_at_import(path.read_text(), mutant.line)
    rest = [*others, *(test for test in trace.all() if test not in {*exact, *others})] if at_import else []
    verdict, failed = "passed", ""
    # Import of the module with a fault takes the files of the tests anew: few are tried first.
    for tests in (exact[:FIRST], exact[FIRST:], rest[:FIRST], rest[FIRST:]):
        tests = trace.within(tests, most)
        if tests and verdict == "passed":
            verdict, failed = part.ask(mutant.name, tests, anew=at_import)
    if verdict == "passed" and exact and not at_import:
        # The import may have run it as well, before a test did.
        tests = trace.within([*exact, *others][:FIRST], most)
        verdict, failed = part.ask(mutant.name, tests, anew=True)
    if verdict == "passed":
        print(f"survived{'' if exact else ' (no test runs its line)'}: {mutant}", flush=True)
    return {**asdict(mutant), "verdict": verdict, "by": failed, "seconds": round(time.perf_counter() - start, 1)}


def _mutant(result: dict[str, Any]) -> Mutant:
    return Mutant(**{key: result[key] for key in Mutant.__annotations__})


def write(arguments: argparse.Namespace, results: list[dict[str, Any]], left_out: dict[str, int]) -> None:
    """Print what became of all faults, and write it as :data:`RESULT` but for some that were named singly."""
    summary: dict[str, Any] = {}
    limit = None if arguments.quick == float("inf") else arguments.quick
    for part in arguments.parts:
        mine = [result for result in results if result["part"] == part]
        verdicts = Counter(result["verdict"] for result in mine)
        survived = [str(_mutant(result)) for result in mine if result["verdict"] == "passed"]
        summary[part] = {
            "seed": arguments.seed, "planted": len(mine), "noticed": verdicts["failed"] + verdicts["timeout"],
            "timeouts": verdicts["timeout"], "seconds of tests": limit,
            "equivalent, left out": left_out[part], "survived": survived,
        }  # fmt: skip
    survivors = sum(len(entry["survived"]) for entry in summary.values())
    print(json.dumps(summary, indent=2), f"{len(results) - survivors} of {len(results)} noticed")
    if not arguments.only:
        before = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        RESULT.write_text(json.dumps({**before, **summary}, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--only", nargs="+", default=[], metavar="MODULE:INDEX", help="these faults, and write nothing")
    parser.add_argument(
        "--quick", type=float, default=float("inf"), metavar="SECONDS",
        help="try tests of no more than so many seconds per fault; what they do not notice counts as survived",
    )  # fmt: skip
    parser.add_argument("--log", type=Path, help="a file for what became of every fault, a JSON object per line")
    parser.add_argument(
        "--again", type=Path, metavar="LOG",
        help="write the results of such a file, with the options of its run, but for what was found equivalent since",
    )  # fmt: skip
    arguments = parser.parse_args()
    if arguments.again:
        logged = [json.loads(line) for line in arguments.again.read_text().splitlines()]
        found = [result for result in logged if not is_equivalent(_mutant(result))]
        left_out = {part: sum(map(is_equivalent, every(part))) for part in arguments.parts}
        write(arguments, found, left_out)
        return
    chosen, left_out = sample(arguments.parts, arguments.count, arguments.seed)
    if arguments.only:
        chosen = [mutant for part in arguments.parts for mutant in every(part) if mutant.name in arguments.only]
    paths = {name: path for part in arguments.parts for name, path in modules(part)}
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    os.chdir(ROOT)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(HEAVY)
    parts: dict[str, Part] = {}
    part_of: dict[str, Part] = {}
    for mutant in chosen:
        # bnnhw.PART, and of units bnnhw.units.UNIT.
        name = "-".join(mutant.module.split(".")[1 : 3 if mutant.part == "units" else 2])
        if name not in parts:
            parts[name] = Part(context, name, tests_of(mutant.part, paths[mutant.module]))
        part_of[mutant.module] = parts[name]

    def judged(mutant: Mutant) -> dict[str, Any]:
        result = judge(part_of[mutant.module], mutant, paths[mutant.module], arguments.quick)
        if arguments.log:
            with arguments.log.open("a") as log:
                log.write(json.dumps(result) + "\n")
        return result

    with ThreadPoolExecutor(arguments.jobs) as pool:
        results = list(track(pool.map(judged, chosen), "mutants", total=len(chosen)))
    for part in parts.values():
        part.close()
    noticed_by = [result["by"] for result in results if result["by"].startswith(("tests", "rtl_tests"))]
    if noticed_by:
        verdict, failed = run(context, None, list(dict.fromkeys(noticed_by)), 3600)
        if verdict != "passed":
            raise SystemExit(f"without a fault the tests must pass, not only with one: {failed}")
    write(arguments, results, left_out)


if __name__ == "__main__":
    main()
