"""apollo: the Cynthion, through the Apollo debug controller on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bnnhw.programmers.programmer import Memory, Programmer
from bnnhw.tools import Program

__all__ = ["Apollo"]


@dataclass(frozen=True, kw_only=True)
class Apollo(Programmer):
    """Loads the device, or the flash through it."""

    program = Program("apollo", "programming the Cynthion", "pip install apollo-fpga", ("apollo",), optional=True)

    memories: tuple[Memory, ...] = ("sram", "flash")

    def arguments(self, bitstream: Path, memory: Memory) -> tuple[str, ...]:
        return ("configure" if memory == "sram" else "flash-program", *self.options, str(bitstream))
