"""icesprog: the iCESugar boards, through the iCELink on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bnnhw.programmers.programmer import Memory, Programmer
from bnnhw.tools import Program

__all__ = ["Icesprog"]


@dataclass(frozen=True, kw_only=True)
class Icesprog(Programmer):
    """Writes the flash."""

    program = Program(
        "icesprog",
        "programming iCESugar boards",
        "build it from the tools of github.com/wuxx/icesugar, or copy the bitstream onto the drive iCELink",
        ("icesprog",),
        optional=True,
    )

    def arguments(self, bitstream: Path, memory: Memory) -> tuple[str, ...]:
        return (*self.options, str(bitstream))
