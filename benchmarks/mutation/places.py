"""Where faults can be planted: the parts of the package, their modules, and the tests that belong to each."""

from __future__ import annotations

import functools
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mutation.mutants import faults

__all__ = ["PARTS", "ROOT", "Mutant", "every", "is_equivalent", "modules", "sample", "tests_of"]

ROOT = Path(__file__).resolve().parents[2]
EQUIVALENT = Path(__file__).parent / "equivalent.json"
PARTS = ("ir", "frontend", "streamline", "reference", "qonnx", "lowering", "folding", "dataflow", "units", "links")


@dataclass(frozen=True)
class Mutant:
    """One fault of one module.

    Parameters
    ----------
    part, module : str
    index : int
        Of the fault among those of the module.
    line : int
    text : str
        The line, without its indentation.
    what : str
        What is done to it.
    nth : int
        Which it is, from 0, of the faults of the module with this text and these words.
    """

    part: str
    module: str
    index: int
    line: int
    text: str
    what: str
    nth: int

    @property
    def name(self) -> str:
        return f"{self.module}:{self.index}"

    def __str__(self) -> str:
        return f"{self.name} line {self.line} (nth {self.nth}): {self.what}: {self.text}"


def modules(part: str) -> Iterator[tuple[str, Path]]:
    """Name and file of every module of a part, but for contracts.

    A contract is a test itself, by proof. Whether it notices broken hardware is seen by faults in the hardware's
    netlist (``rtl_tests/formal/faults.py``).
    """
    for path in sorted((ROOT / "bnnhw" / part).rglob("*.py")):
        if path.stem == "contract":
            continue
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def tests_of(part: str, path: Path) -> list[str]:
    """The files of the tests of a module's own part; for a unit, of the unit."""
    folders = [ROOT / "tests" / part]
    if part == "units":
        folders = [ROOT / "rtl_tests" / path.relative_to(ROOT / "bnnhw" / part).parts[0]]
    if part == "links":
        folders += [ROOT / "rtl_tests" / name for name in ("uart", "axi_stream")]
    files = (file for folder in folders for file in sorted(folder.rglob("test_*.py")))
    # Benches run in a process of their own, where no fault is planted.
    return [str(file.relative_to(ROOT)) for file in files if file.stem != "test_bench"]


def every(part: str) -> Iterator[Mutant]:
    """All faults of a part."""
    for name, path in modules(part):
        source = path.read_text()
        lines = source.splitlines()
        seen: Counter[tuple[str, str]] = Counter()
        for index, (line, what) in enumerate(faults(source)):
            text = lines[line - 1].strip()
            yield Mutant(part, name, index, line, text, what, seen[text, what])
            seen[text, what] += 1


@functools.cache
def equivalent() -> set[tuple[str, str, str, int | None]]:
    """Faults that change nothing anybody can see; an entry without ``nth`` stands for all of its text and words."""
    entries = json.loads(EQUIVALENT.read_text()) if EQUIVALENT.exists() else []
    return {(entry["module"], entry["text"], entry["what"], entry.get("nth")) for entry in entries}


def is_equivalent(mutant: Mutant) -> bool:
    """Whether a fault is one of the :func:`equivalent` ones."""
    return any((mutant.module, mutant.text, mutant.what, nth) in equivalent() for nth in (mutant.nth, None))


def sample(parts: list[str], count: int, seed: int) -> tuple[list[Mutant], dict[str, int]]:
    """A random sample of all faults of the parts without the known equivalents, and how many these are per part."""
    found: list[Mutant] = []
    left_out: dict[str, int] = {}
    for part in parts:
        faulty = list(every(part))
        usable = [mutant for mutant in faulty if not is_equivalent(mutant)]
        left_out[part] = len(faulty) - len(usable)
        found += usable
    return random.Random(seed).sample(found, min(count, len(found))), left_out  # noqa: S311
