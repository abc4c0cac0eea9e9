"""Compiled models: Verilog and a C++ main through Verilator to a program, kept in the user's cache.

Verilator's makefiles are not used: they compile the runtime library anew for every model (5 of the
7 seconds of a small one), and need make, a ``python`` on PATH and a folder without spaces.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from bnnhw import tools
from bnnhw.errors import FileError
from bnnhw.files import locked, new_folders, scratch
from bnnhw.sim.compile import (
    FAST,
    PREFIX,
    SLOW,
    Steps,
    compile_flags,
    compiler_version,
    groups,
    include_folder,
    runtime,
)

__all__ = ["Model", "build", "default_cache"]

CACHE_BYTES = 256 << 20
"""Size the cached models are kept under: about 200 of a digits network, 20 of a large one."""

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
    key = (
        sorted(sources.items()),
        (top, main, wave, tuple(defines), _VERILATE, FAST, SLOW),
        (verilator.version, str(verilator.path), compiler_version(compiler)),
    )
    digest = hashlib.sha256(repr(key).encode()).hexdigest()[:32]
    program = cache / f"{digest}.sim"
    if program.is_file():
        # Of a cache that can't be written it may be used all the same.
        with suppress(OSError):
            os.utime(program)
        return Model(program, True, 0.0, 0.0)
    try:
        with new_folders(cache), locked(cache / f"{digest}.lock"):
            # Another process may have made it meanwhile.
            if program.is_file():
                return Model(program, True, 0.0, 0.0)
            with scratch(cache) as folder:
                start = time.perf_counter()
                steps = Steps(folder)
                arguments = ["--top-module", top, *(f"-D{define}" for define in defines)]
                _verilate(steps, verilator, sources, [*arguments, *(["--trace-fst"] if wave else [])])
                verilated = time.perf_counter()
                made = _compile(steps, verilator, compiler, main, wave, workers or os.cpu_count() or 1)
                os.replace(made, program)
                compiled = time.perf_counter()
    except FileError as error:
        raise FileError(f"{error}; simulations are kept there (XDG_CACHE_HOME may name another folder)") from None
    _evict(cache, program)
    return Model(program, False, verilated - start, compiled - verilated)


def _verilate(steps: Steps, verilator: tools.Tool, sources: Mapping[str, str], arguments: Sequence[str]) -> None:
    """C++ of Verilog, in the folder of the steps."""
    folder = steps.folder
    for file, text in sources.items():
        (folder / file).write_text(text, encoding="utf-8")
    files = [str(folder / file) for file in sources if file.endswith(".v")]
    given = [*_VERILATE, *arguments, "--prefix", PREFIX, "--Mdir", str(folder), f"-I{folder}", *files]
    steps.run("Verilator", [*verilator.command, *given], verilator.full_environment())


def _compile(steps: Steps, verilator: tools.Tool, compiler: tools.Tool, main: str, wave: bool, workers: int) -> Path:
    """The program of that C++ and of the bench."""
    folder, include = steps.folder, include_folder(verilator)
    (folder / "main.cpp").write_text(main, encoding="utf-8")
    # The main loop calls the model twice per cycle, and is small: it rides with the fast files.
    units = groups(folder, workers)
    first = units[0][0]
    first.write_text(first.read_text(encoding="utf-8") + '#include "main.cpp"\n', encoding="utf-8")
    flags = [*compile_flags(wave), f"-I{folder}", f"-I{include}", f"-I{include / 'vltstd'}"]
    commands = [
        [*compiler.command, level, *flags, "-c", str(unit), "-o", str(unit.with_suffix(".o"))] for unit, level in units
    ]
    library: list[Path] = []

    def compile_library() -> None:
        library.extend(runtime(folder.parent, verilator, compiler, include, wave, steps.processes))

    steps.together("compiling the simulation", commands, compile_library)
    objects = [*(unit.with_suffix(".o") for unit, _ in units), *library]
    made = folder / "program"
    steps.run("linking the simulation", [*compiler.command, "-pthread", "-o", str(made), *map(str, objects)])
    return made
