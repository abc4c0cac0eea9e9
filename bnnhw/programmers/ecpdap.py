"""ecpdap: boards behind a CMSIS-DAP probe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bnnhw.programmers.programmer import Memory, Programmer
from bnnhw.tools import Program

__all__ = ["Ecpdap"]


@dataclass(frozen=True, kw_only=True)
class Ecpdap(Programmer):
    """Loads the device, or the flash through it."""

    program = Program(
        "ecpdap",
        "programming boards behind a CMSIS-DAP probe",
        "cargo install ecpdap, or the OSS CAD Suite",
        ("ecpdap",),
        ("--version",),
        optional=True,
    )

    memories: tuple[Memory, ...] = ("sram", "flash")

    def arguments(self, bitstream: Path, memory: Memory) -> tuple[str, ...]:
        what = ("program",) if memory == "sram" else ("flash", "write")
        return (*what, *self.options, str(bitstream))
