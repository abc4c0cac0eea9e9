"""dfu-util: boards whose own bootloader takes a bitstream over USB."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bnnhw.programmers.programmer import Memory, Programmer
from bnnhw.tools import Program

__all__ = ["DfuUtil"]


@dataclass(frozen=True, kw_only=True)
class DfuUtil(Programmer):
    """A bootloader that keeps what it is given.

    Parameters
    ----------
    device : str
        USB vendor and product, as ``"1209:5bf0"``.
    alternate : int
        The place of the bitstream among what the bootloader takes.
    sram_alternate : int, optional
        The place that goes to the device itself; stated where ``memories`` has it.
    """

    program = Program(
        "dfu-util",
        "programming boards with a USB bootloader",
        "install the operating system's package dfu-util (Debian, Ubuntu: apt install dfu-util)",
        ("dfu-util",),
        ("--version",),
        optional=True,
    )

    device: str
    alternate: int = 0
    sram_alternate: int | None = None

    def arguments(self, bitstream: Path, memory: Memory) -> tuple[str, ...]:
        place = self.sram_alternate if memory == "sram" and self.sram_alternate is not None else self.alternate
        return ("--device", self.device, "--alt", str(place), *self.options, "--reset", "--download", str(bitstream))
