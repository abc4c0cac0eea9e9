"""iceprog, of Project IceStorm: boards whose FT2232H or FT232H is wired to the flash of the device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bnnhw.programmers.programmer import Memory, Programmer
from bnnhw.tools import Program

__all__ = ["Iceprog"]


@dataclass(frozen=True, kw_only=True)
class Iceprog(Programmer):
    """Writes the flash; the device itself only where the board's jumpers lead there."""

    program = Program(
        "iceprog",
        "programming boards whose FTDI chip is at the flash",
        "install the operating system's package of Project IceStorm (Debian, Ubuntu: apt install fpga-icestorm)",
        ("iceprog",),
        optional=True,
    )

    def arguments(self, bitstream: Path, memory: Memory) -> tuple[str, ...]:
        return (*self.options, *(("-S",) if memory == "sram" else ()), str(bitstream))

    def image_arguments(self, image: Path, offset: int) -> tuple[str, ...]:
        return (*self.options, "-o", str(offset), str(image))
