"""icefunprog: the iCEFUN, through the microcontroller on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bnnhw.programmers.programmer import Memory, Programmer
from bnnhw.tools import Program

__all__ = ["Icefunprog"]


@dataclass(frozen=True, kw_only=True)
class Icefunprog(Programmer):
    """Writes the flash; ``options`` hold the serial port of the board."""

    program = Program("icefunprog", "programming the iCEFUN", "pip install icefunprog", ("icefunprog",), optional=True)

    def arguments(self, bitstream: Path, memory: Memory) -> tuple[str, ...]:
        return (*self.options, str(bitstream))
