"""tinyprog: boards with the TinyFPGA bootloader."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bnnhw.programmers.programmer import Memory, Programmer
from bnnhw.tools import Program

__all__ = ["Tinyprog"]


@dataclass(frozen=True, kw_only=True)
class Tinyprog(Programmer):
    """Writes the place of the user's design in the flash; the bootloader stays."""

    program = Program(
        "tinyprog",
        "programming boards with the TinyFPGA bootloader",
        "pip install tinyprog",
        ("tinyprog",),
        optional=True,
    )

    def arguments(self, bitstream: Path, memory: Memory) -> tuple[str, ...]:
        return (*self.options, "--program", str(bitstream))
