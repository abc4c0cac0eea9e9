"""The SPI link on lines that damage what passes (:mod:`rtl_tests.packets.campaign`).

What flips and sticks is MOSI there and MISO back; what is lost and doubled there are cycles of SCK, for both ends of
the board, and back are the master's samples. SCK is 0.15 to 2 cycles per cycle of the design, by the seed.
"""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

from bnnhw.links.packets.device import Device
from bnnhw.links.spi.gateware import SpiLink
from bnnhw.links.spi.host import Polling
from rtl_tests.packets.campaign import FAULTS, FOLDED, FaultyLine, Pipes, compiled

__all__ = ["LINE"]

QUIET, PATIENCE, REPLY = 2000, 400, 4000
"""Cycles of SCK that the host waits: for the line to be quiet, in one read, for a reply."""


class _Port(Pipes):
    """The host's port at the faulty lines, of transactions; its time is in cycles of SCK."""

    def __init__(self, program: Path, seed: int, every: int, kinds: int) -> None:
        super().__init__(program, seed, every, kinds)
        self._back = bytearray()
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def write(self, data: bytes, /) -> int:
        self.say(b"t" + struct.pack("<I", len(data)) + data)
        (self.now,) = struct.unpack("<d", self.hear(8))
        self._back += self.hear(len(data))
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        back = bytes(self._back[:size])
        del self._back[:size]
        return back

    def faults(self) -> tuple[int, int]:
        self.say(b"s")
        there, back = struct.unpack("<QQ", self.hear(16))
        return there, back


@cache
def _program() -> Path:
    main = Path(__file__).with_name("faulty_lines.cpp").read_text(encoding="utf-8")
    classes = FOLDED.network.output.classes
    return compiled("spi_link", lambda accelerator: SpiLink(accelerator, classes=classes, identity=0xCAFE0001), main)


LINE = FaultyLine(
    FAULTS | {"select": "not selected for 1 to 400 bits"},
    lambda seed, every, kinds: _Port(_program(), seed, every, kinds),
    lambda port: Device(Polling(port, port.clock, PATIENCE), timeout_s=REPLY, quiet_s=QUIET, clock=port.clock),
)
