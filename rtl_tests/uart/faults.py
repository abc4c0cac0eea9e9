"""The serial link on a line that damages what passes (:mod:`rtl_tests.packets.campaign`).

A bit of a fault may be a start bit, a stop bit or a pause.
"""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

from bnnhw.links.packets.device import Device
from bnnhw.links.uart.gateware import UartLink
from rtl_tests.packets.campaign import FAULTS, FOLDED, FaultyLine, Pipes, compiled

__all__ = ["LINE"]

DIVISOR = 4
TIMEOUT = 40 * DIVISOR
"""The board's: 4 bytes of silence. Times stand in the order of the real ones, and are shorter."""

QUIET = 64 * DIVISOR
PATIENCE = 30 * DIVISOR
REPLY = 600 * DIVISOR
"""Cycles that the host waits: for the line to be quiet, in one read, for a reply."""

_READY = struct.Struct("<QI")


class _Port(Pipes):
    """The host's port at the faulty line; its time is the simulation's, in cycles."""

    def __init__(self, program: Path, seed: int, every: int, kinds: int) -> None:
        super().__init__(program, seed, every, kinds)
        self._waiting = b""
        self.now = 0

    def clock(self) -> float:
        return self.now

    def write(self, data: bytes, /) -> int:
        self._waiting += b"w" + struct.pack("<I", len(data)) + data
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        del size
        self._ask(b"r" + struct.pack("<Q", PATIENCE))
        self.now, count = _READY.unpack(self.hear(_READY.size))
        return self.hear(count)

    def faults(self) -> tuple[int, int]:
        self._ask(b"s")
        there, back = struct.unpack("<QQ", self.hear(16))
        return there, back

    def _ask(self, data: bytes) -> None:
        self.say(self._waiting + data)
        self._waiting = b""


@cache
def _program() -> Path:
    main = Path(__file__).with_name("faulty_line.cpp").read_text(encoding="utf-8")
    return compiled(
        "uart_link",
        lambda accelerator: UartLink(
            accelerator, classes=FOLDED.network.output.classes, divisor=DIVISOR, timeout=TIMEOUT, identity=0xCAFE0001
        ),
        main.replace("DIVISOR;", f"{DIVISOR};", 1),
    )


LINE = FaultyLine(
    FAULTS,
    lambda seed, every, kinds: _Port(_program(), seed, every, kinds),
    lambda port: Device(port, timeout_s=REPLY, quiet_s=QUIET, clock=port.clock),
)
