"""send_c3usb.py: the iCE-V Wireless, through the ESP32-C3 on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bnnhw.programmers.programmer import Memory, Programmer
from bnnhw.tools import Program

__all__ = ["SendC3usb"]


@dataclass(frozen=True, kw_only=True)
class SendC3usb(Programmer):
    """Loads the device, or the flash of the microcontroller, which loads the device when power comes."""

    program = Program(
        "send_c3usb.py",
        "programming the iCE-V Wireless",
        "put the script of github.com/ICE-V-Wireless/ICE-V-Wireless, folder python, on PATH",
        ("send_c3usb.py",),
        optional=True,
    )

    memories: tuple[Memory, ...] = ("sram", "flash")

    def arguments(self, bitstream: Path, memory: Memory) -> tuple[str, ...]:
        return (*self.options, *((f"--flash={bitstream}",) if memory == "flash" else (str(bitstream),)))
