"""Mutated models of every foreign format, read one after the other: the process that tests and benchmarks start.

    python -m tests.frontend.fuzz FIRST NUMBER FOLDER [--cases DIR]

Each is read or refused in one line, soon, and within a little memory: its address space is limited, an allocation
beyond that fails here, and a crash ends this process alone. What is read goes on: it is streamlined, saved, loaded and
evaluated. The mutation of a number is always the same. FOLDER/state.json says where it is and what failed; a mutation
that hangs ends the process after :data:`HANG` seconds, with a traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import resource
import shutil
import time
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bnnhw import reference
from bnnhw.errors import BnnhwError
from bnnhw.frontend import read_model
from bnnhw.frontend.formats import FORMATS
from bnnhw.ir import Network, archive
from bnnhw.streamline import streamline
from tests.frontend.fuzz_graphs import BUILDERS
from tests.frontend.mutate import mutate, seeds
from tests.frontend.mutate_folder import cnv_seeds, mutate_files, options, put, small_seeds
from tests.frontend.mutate_larq import larq_seeds, mutate_larq
from tests.frontend.mutate_tables import mutate_tables, table_seeds
from tests.frontend.pynq_folders import TOPOLOGY

ROOT = Path(__file__).parents[2]

MEMORY = 1 << 30
"""Bytes of address space beyond what the process has before the first mutation."""

HANG = 60
"""Seconds after which a mutation counts as hanging; a whole file takes milliseconds."""

LARGEST = 1 << 22
"""Weights and elements up to which a network that was read is evaluated too."""

KINDS = ("onnx",) * 12 + ("larq",) * 3 + ("folder",) * 4 + ("cnv",) + ("tables",) * 2
"""Of the mutations, in turn. CNV's folders have 100 to 180 files and take the longest."""


TEXTS = (
    *("0", "1", "-1", "0.5", "nan", "inf", "1e400", "1e-300", "", "x", "1,2", "1,2,3", "0.5,0,1", "255", "70-8-3"),
    *("int8", "uint8", "uint4", "bipolar", "int1", "uint99", "float32", "1/3", "128,128,128,128"),
)
"""What a user may give an option, right or wrong."""


@dataclass
class State:
    """How far a run is."""

    next: int
    read: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    slowest: int = -1
    peak_mib: float = 0.0
    failures: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@cache
def graphs(cases: Path | None) -> tuple[bytes, ...]:
    """ONNX seeds: built ones, files in the repository, and those of a folder."""
    found = [*seeds(), *(build().SerializeToString() for build in BUILDERS)]
    paths = [*sorted((ROOT / "models").glob("*.onnx")), *sorted((ROOT / "tests").rglob("*.onnx"))]
    paths += sorted(cases.glob("*.onnx")) if cases else []
    return (*found, *(path.read_bytes() for path in paths if path.stat().st_size < 1 << 18))


@cache
def archives() -> tuple[dict[str, Any], ...]:
    """Larq seeds: built ones, and files in the repository."""
    found = list(larq_seeds())
    for path in sorted((ROOT / "tests").rglob("*.npz")):
        with np.load(path) as content:
            if "architecture" in content:
                found.append(dict(content))
    return tuple(found)


def say(name: str, random: np.random.Generator) -> dict[str, Any]:
    """Options of a format: mostly none. What an option's own parser refuses never comes to a format."""
    said: dict[str, Any] = {}
    for option in FORMATS[name].options:
        if random.integers(12) == 0:
            with contextlib.suppress(ValueError):
                said[option.name] = option.parse(str(random.choice([*TEXTS, *option.choices])))
    return said


def prepare(number: int, folder: Path, cases: Path | None) -> tuple[Path, dict[str, Any]]:
    """The mutation of a number, written; and the options to read it with."""
    random = np.random.default_rng(number)
    turn, place = divmod(number, len(KINDS))
    # The first of a turn takes the next seed of its kind; the others go on from there.
    match KINDS[place]:
        case "onnx":
            models = graphs(cases)
            path = folder / "m.onnx"
            path.write_bytes(mutate(models[(12 * turn + place) % len(models)], random))
            return path, say("qonnx", random)
        case "larq":
            found = archives()
            path = folder / "m.npz"
            path.write_bytes(mutate_larq(found[(turn + place) % len(found)], random))
            return path, say("larq", random)
        case "tables":
            # Both kinds of file are known by their content.
            found = table_seeds()
            path = folder / "m.npz"
            path.write_bytes(mutate_tables(found[(turn + place) % len(found)], random))
            return path, say("tables", random)
        case kind:
            files = small_seeds() if kind == "folder" else cnv_seeds()
            path = folder / "parameters"
            shutil.rmtree(path, ignore_errors=True)
            put(mutate_files(files[(turn + place) % len(files)], random), path, random)
            return path, options(random, TOPOLOGY if kind == "folder" else None)


def use(network: Network, path: Path) -> None:
    """Save, load and evaluate a network that was read."""
    archive.save(network, path)
    if archive.load(path) != network:
        raise AssertionError("the network that was saved is another one")
    sizes = [layer.neurons * layer.synapses for layer in network.matrices]
    if network.input.elements + sum(sizes) > LARGEST or network.input.elements * max(sizes, default=0) > LARGEST << 6:
        return
    codes = np.random.default_rng(0).integers(0, network.input.dtype.levels, (2, network.input.elements))
    reference.evaluate(network, codes.astype(np.uint8))


def attempt(path: Path, said: dict[str, Any], scratch: Path) -> bool:
    """Whether a model is read; a refusal must be one line."""
    try:
        network = streamline(read_model(path, **said).network).network
    except BnnhwError as error:
        lines = str(error).splitlines()
        if len(lines) != 1 or len(lines[0]) > 1000:
            raise AssertionError(f"the message has {len(lines)} lines, {len(str(error))} characters") from error
        return False
    use(network, scratch / "m.bnn")
    return True


def run(first: int, end: int, folder: Path, cases: Path | None) -> State:
    """Mutations ``first .. end - 1``; the state on disk is always that of the one at work."""
    graphs(cases), archives(), small_seeds()
    for warm in range(len(KINDS)):
        attempt_quietly(warm, folder, cases)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    state = State(first)
    for number in range(first, end):
        state.next = number
        (folder / "state.json").write_text(json.dumps(asdict(state)))
        path, said = prepare(number, folder, cases)
        faulthandler.dump_traceback_later(HANG, exit=True)
        start = time.perf_counter()
        try:
            if attempt(path, said, folder):
                state.read += 1
            else:
                state.refused += 1
        except Exception as error:  # noqa: BLE001 (whatever it is, it is what is looked for)
            state.failures.append({"mutation": number, "error": f"{type(error).__name__}: {error}"[:500]})
        seconds = time.perf_counter() - start
        faulthandler.cancel_dump_traceback_later()
        if seconds > state.slowest_s:
            state.slowest_s, state.slowest = round(seconds, 2), number
    state.next = end
    state.peak_mib = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    (folder / "state.json").write_text(json.dumps(asdict(state)))
    return state


def attempt_quietly(number: int, folder: Path, cases: Path | None) -> None:
    """One mutation that does not count: what it imports and compiles is there afterwards."""
    path, said = prepare(number, folder, cases)
    with contextlib.suppress(Exception):
        attempt(path, said, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=int)
    parser.add_argument("number", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=Path)
    arguments = parser.parse_args()
    run(arguments.first, arguments.first + arguments.number, arguments.folder, arguments.cases)


if __name__ == "__main__":
    main()
