"""Compiled models: Verilog and a C++ main through Verilator to a program, kept in the user's cache.

Verilator's makefiles are not used: they compile the runtime library anew for every model (5 of the
7 seconds of a small one), and need make, a ``python`` on PATH and a folder without spaces.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jinja2
import platformdirs
from filelock import FileLock

from bnnhw import tools
from bnnhw.errors import ToolError
from bnnhw.files import whole_file

__all__ = ["Model", "build", "default_cache", "render"]

CACHE_BYTES = 256 << 20
"""Size the cached models are kept under: about 200 of a digits network, 20 of a large one."""

_PREFIX = "Vcore"
_VERILATE = (
    "--cc",
    "-O3",
    # Nothing is known of a bit without a value: it differs from run to run (seeded), so leaning on it shows.
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
    "--no-assert",
    "--no-timing",
    # Units that are instantiated many times stay functions: a third less to compile, and no slower.
    "--inline-mult",
    "1",
    "--threads",
    "1",
    "--output-split",
    "20000",
    # The Verilog is generated: what lint has to say about widths or unused bits is nobody's to fix here.
    "-Wno-lint",
    "-Wno-style",
    "-Wno-fatal",
    # A cell that is used as its model does not cover.
    "-Werror-USERERROR",
)
_DEFINES = ("VERILATOR=1", "VM_COVERAGE=0", "VM_SC=0", "VM_TIMING=0", "VM_TRACE_VCD=0", "VM_TRACE_SAIF=0")
_FAST = "-O1"
_SLOW = "-O0"


@dataclass(frozen=True)
class Model:
    """A compiled simulation.

    Parameters
    ----------
    program : Path
    cached : bool
        Whether it was there already.
    verilate_s, compile_s : float
        Seconds spent making it; 0 when it was cached.
    """

    program: Path
    cached: bool
    verilate_s: float
    compile_s: float


def default_cache() -> Path:
    """Folder of compiled models in the user's cache."""
    return Path(platformdirs.user_cache_dir("bnnhw")) / "models"


def render(template: str, **values: object) -> str:
    """One of this package's templates, filled in."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bnnhw.sim", ""),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.get_template(template).render(**values)


def _run(arguments: Sequence[str], environment: Mapping[str, str] | None, what: str) -> None:
    """Run a step of the build; its failure is not the user's, so the tool's own words go into the error."""
    done = subprocess.run(
        arguments, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if "rror" in line] or [done.stderr.strip()]
        raise ToolError(f"{what} failed: {lines[0]}")


def _compiler_version(compiler: tools.Tool) -> str:
    return f"{compiler.path} {compiler.version}"


def _include_folder(verilator: tools.Tool) -> Path:
    """Where the runtime library of Verilator is."""
    root = verilator.full_environment().get("VERILATOR_ROOT")
    if root is None:
        done = subprocess.run(
            [*verilator.command, "--getenv", "VERILATOR_ROOT"], check=False, capture_output=True, text=True
        )
        root = done.stdout.strip()
    return Path(root) / "include"


def _runtime(cache: Path, verilator: tools.Tool, compiler: tools.Tool, include: Path, wave: bool) -> list[Path]:
    """Objects of the runtime library, compiled once for each version of the tools."""
    names = ["verilated", "verilated_threads", *(["verilated_fst_c"] if wave else [])]
    shims = {name: render(f"{name}.j2") for name in ("lz4.h", "zlib.h")} if wave else {}
    key = (verilator.version, str(include), _compiler_version(compiler), _FAST, *shims.values())
    digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
    objects = [cache / f"runtime-{digest}-{name}.o" for name in names]
    if all(path.is_file() for path in objects):
        return objects
    with FileLock(cache / "runtime.lock"), tempfile.TemporaryDirectory(dir=cache) as folder:
        for name, text in shims.items():
            (Path(folder) / name).write_text(text)

        def compile_one(path: Path, name: str) -> None:
            if path.is_file():
                return
            flags = [*_compile_flags(wave), f"-I{folder}", f"-I{include}", f"-I{include / 'vltstd'}"]
            source = str(include / f"{name}.cpp")
            with whole_file(path) as made:
                command = [*compiler.command, _FAST, *flags, "-c", source, "-o", str(made)]
                _run(command, None, "compiling Verilator's runtime library")

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(compile_one, objects, names))
    return objects


def _compile_flags(wave: bool) -> list[str]:
    defines = (*_DEFINES, f"VM_TRACE={int(wave)}", f"VM_TRACE_FST={int(wave)}")
    return ["-std=c++17", "-w", "-pthread", *(f"-D{define}" for define in defines)]


def _groups(folder: Path, workers: int) -> list[tuple[Path, str]]:
    """Join the generated files into as many translation units as there are cores: each reads the headers once."""
    fast: list[Path] = []
    slow: list[Path] = []
    for path in sorted(folder.glob(f"{_PREFIX}*.cpp")):
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
    for number, (files, level) in enumerate([*((files, _FAST) for files in bins), (slow, _SLOW)]):
        if files:
            unit = folder / f"unit{number}.cpp"
            unit.write_text("".join(f'#include "{path.name}"\n' for path in files))
            units.append((unit, level))
    return units


def _evict(cache: Path, keep: Path) -> None:
    """Drop the models used longest ago until the rest fit in :data:`CACHE_BYTES`."""
    programs: list[tuple[float, int, Path]] = []
    for path in cache.glob("*.sim"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        programs.append((status.st_mtime, status.st_size, path))
    size = sum(entry[1] for entry in programs)
    for _, length, path in sorted(programs):
        if size <= CACHE_BYTES:
            return
        if path != keep:
            path.unlink(missing_ok=True)
            size -= length


def build(
    sources: Mapping[str, str],
    top: str,
    main: str,
    *,
    wave: bool = False,
    defines: Sequence[str] = (),
    cache: Path | None = None,
    workers: int | None = None,
) -> Model:
    """Compile Verilog and a C++ main into a program, or take it from the cache.

    Parameters
    ----------
    sources : mapping of str to str
        File name -> text. Names that end in ``.v`` are compiled, others can be included.
    top : str
        The top module.
    main : str
        C++ source that uses the class ``Vcore``.
    wave : bool
        Whether the model can write an FST wave.
    defines : sequence of str
        Verilog macros to define.
    cache : Path, optional
        Folder of compiled models; :func:`default_cache` otherwise. Several processes may share it.
    workers : int, optional
        Compilers at once; the number of cores otherwise.

    Raises
    ------
    ToolError
        When Verilator or a C++ compiler is missing, or refuses the source.
    """
    verilator, compiler = tools.require("verilator"), tools.require("c++")
    cache = default_cache() if cache is None else cache
    cache.mkdir(parents=True, exist_ok=True)
    key = (
        sorted(sources.items()),
        (top, main, wave, tuple(defines), _VERILATE, _FAST, _SLOW),
        (verilator.version, str(verilator.path), _compiler_version(compiler)),
    )
    digest = hashlib.sha256(repr(key).encode()).hexdigest()[:32]
    program = cache / f"{digest}.sim"
    # One of 16 locks: a lock for each model would leave a file for each behind.
    with FileLock(cache / f"{digest[0]}.lock"):
        try:
            os.utime(program)
            return Model(program, True, 0.0, 0.0)
        except FileNotFoundError:
            pass
        with tempfile.TemporaryDirectory(dir=cache) as name:
            folder = Path(name)
            for file, text in sources.items():
                (folder / file).write_text(text)
            start = time.perf_counter()
            arguments = [*_VERILATE, "--top-module", top, "--prefix", _PREFIX, "--Mdir", str(folder), f"-I{folder}"]
            arguments += [f"-D{define}" for define in defines]
            arguments += ["--trace-fst"] if wave else []
            arguments += [str(folder / file) for file in sources if file.endswith(".v")]
            _run([*verilator.command, *arguments], verilator.full_environment(), "Verilator")
            verilated = time.perf_counter()
            include = _include_folder(verilator)
            (folder / "main.cpp").write_text(main)
            # The main loop calls the model twice per cycle, and is small: it rides with the fast files.
            workers = workers or os.cpu_count() or 1
            units = _groups(folder, workers)
            first = units[0][0]
            first.write_text(first.read_text() + '#include "main.cpp"\n')
            flags = [*_compile_flags(wave), f"-I{folder}", f"-I{include}", f"-I{include / 'vltstd'}"]
            with ThreadPoolExecutor(workers) as pool:
                runtime = pool.submit(partial(_runtime, cache, verilator, compiler, include, wave))
                commands = [
                    [*compiler.command, level, *flags, "-c", str(unit), "-o", str(unit.with_suffix(".o"))]
                    for unit, level in units
                ]
                list(pool.map(lambda command: _run(command, None, "compiling the simulation"), commands))
                objects = [*(unit.with_suffix(".o") for unit, _ in units), *runtime.result()]
            with whole_file(program) as made:
                command = [*compiler.command, "-pthread", "-o", str(made), *map(str, objects)]
                _run(command, None, "linking the simulation")
    _evict(cache, program)
    return Model(program, False, verilated - start, time.perf_counter() - verilated)
