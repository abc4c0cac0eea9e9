"""The steps from Verilator's C++ to a program: what is compiled how, with which compilers at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from bnnhw import processes, tools
from bnnhw.errors import FileError, ToolError
from bnnhw.files import locked, scratch
from bnnhw.processes import EVERY, Processes
from bnnhw.templates import render

__all__ = [
    "FAST",
    "PREFIX",
    "SLOW",
    "Steps",
    "compile_flags",
    "compiler_version",
    "groups",
    "include_folder",
    "runtime",
]

PREFIX = "Vcore"
"""The class that Verilator makes, and the beginning of its files' names."""

_DEFINES = ("VERILATOR=1", "VM_COVERAGE=0", "VM_SC=0", "VM_TIMING=0", "VM_TRACE_VCD=0", "VM_TRACE_SAIF=0")
FAST = "-O1"
SLOW = "-O0"


class Steps:
    """The steps of a build that run in one folder for temporary files, and end together."""

    def __init__(self, folder: Path, parent: Processes = EVERY) -> None:
        self.folder, self.processes = folder, Processes(parent)

    def run(self, what: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Run one; its failure is not the user's, so the tool's own words go into the error."""
        given = os.environ if environment is None else environment
        done = self.processes.run(arguments, env={**given, "TMPDIR": str(self.folder)})
        if done.returncode == 0:
            return
        told = (done.stderr + done.stdout).replace(f"{self.folder}/", "")
        if "No space left on device" in told:
            raise FileError(f"{self.folder.parent}: can't be written: No space left on device")
        lines = [line for line in told.splitlines() if "rror" in line] or [done.stderr.strip()]
        raise ToolError(f"{what} failed: {lines[0]}")

    def together(self, what: str, commands: Sequence[Sequence[str]], *others: Callable[[], object]) -> None:
        """Run commands of one kind at once, and call functions meanwhile; the first failure ends all."""
        calls = [*others, *(partial(self.run, what, command) for command in commands)]
        with ThreadPoolExecutor(max(1, len(calls))) as pool:
            try:
                for done in as_completed([pool.submit(call) for call in calls]):
                    done.result()
            except BaseException:
                self.processes.end()
                raise


def compiler_version(compiler: tools.Tool) -> str:
    return f"{compiler.path} {compiler.version}"


def include_folder(verilator: tools.Tool) -> Path:
    """Where the runtime library of Verilator is."""
    root = verilator.full_environment().get("VERILATOR_ROOT")
    if root is None:
        root = processes.run([*verilator.command, "--getenv", "VERILATOR_ROOT"]).stdout.strip()
    return Path(root) / "include"


def runtime(
    cache: Path, verilator: tools.Tool, compiler: tools.Tool, include: Path, wave: bool, parent: Processes
) -> list[Path]:
    """Objects of the runtime library, compiled once for each version of the tools."""
    names = ["verilated", "verilated_threads", *(["verilated_fst_c"] if wave else [])]
    shims = {name: render("bnnhw.sim", f"{name}.j2") for name in ("lz4.h", "zlib.h")} if wave else {}
    key = (verilator.version, str(include), compiler_version(compiler), FAST, *shims.values())
    digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
    objects = [cache / f"runtime-{digest}-{name}.o" for name in names]
    if all(path.is_file() for path in objects):
        return objects
    with locked(cache / f"runtime-{digest}.lock"), scratch(cache) as folder:
        for name, text in shims.items():
            (folder / name).write_text(text, encoding="utf-8")
        flags = [*compile_flags(wave), f"-I{folder}", f"-I{include}", f"-I{include / 'vltstd'}"]
        wanted = [(path, name) for path, name in zip(objects, names, strict=True) if not path.is_file()]
        commands = [
            [*compiler.command, FAST, *flags, "-c", str(include / f"{name}.cpp"), "-o", str(folder / path.name)]
            for path, name in wanted
        ]
        steps = Steps(folder, parent)
        steps.together("compiling Verilator's runtime library", commands)
        for path, _ in wanted:
            os.replace(folder / path.name, path)
    return objects


def compile_flags(wave: bool) -> list[str]:
    defines = (*_DEFINES, f"VM_TRACE={int(wave)}", f"VM_TRACE_FST={int(wave)}")
    return ["-std=c++17", "-w", "-pthread", *(f"-D{define}" for define in defines)]


def groups(folder: Path, workers: int) -> list[tuple[Path, str]]:
    """Join the generated files into as many translation units as there are cores: each reads the headers once."""
    fast: list[Path] = []
    slow: list[Path] = []
    for path in sorted(folder.glob(f"{PREFIX}*.cpp")):
        (slow if "Slow" in path.name else fast).append(path)
    units: list[tuple[Path, str]] = []
    total = sum(path.stat().st_size for path in (*fast, *slow))
    # Below about 200 kB of C++ the headers cost more than the code: one unit.
    if total < 200_000:
        fast, slow, workers = [*fast, *slow], [], 1
    bins: list[list[Path]] = [[] for _ in range(workers)]
    sizes = [0] * workers
    for path in sorted(fast, key=lambda p: -p.stat().st_size):
        least = sizes.index(min(sizes))
        bins[least].append(path)
        sizes[least] += path.stat().st_size
    for number, (files, level) in enumerate([*((files, FAST) for files in bins), (slow, SLOW)]):
        if files:
            unit = folder / f"unit{number}.cpp"
            unit.write_text("".join(f'#include "{path.name}"\n' for path in files), encoding="utf-8")
            units.append((unit, level))
    return units
