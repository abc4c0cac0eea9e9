"""The host's port at a simulated line whose bytes come when they come."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from rtl_tests.packets.campaign import Pipes, compiled

__all__ = ["StreamPort", "compiled_stream"]

_READY = struct.Struct("<QI")


class StreamPort(Pipes):
    """A port; its time is the simulation's, in cycles.

    Parameters
    ----------
    patience : int
        Cycles that a read waits.
    """

    def __init__(self, program: Path, seed: int, every: int, kinds: int, patience: int) -> None:
        super().__init__(program, seed, every, kinds)
        self._patience = patience
        self._waiting = b""
        self.now = 0

    def clock(self) -> float:
        return self.now

    def write(self, data: bytes, /) -> int:
        self._waiting += b"w" + struct.pack("<I", len(data)) + data
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        del size
        self._ask(b"r" + struct.pack("<Q", self._patience))
        self.now, count = _READY.unpack(self.hear(_READY.size))
        return self.hear(count)

    def faults(self) -> tuple[int, int]:
        self._ask(b"s")
        there, back = struct.unpack("<QQ", self.hear(16))
        return there, back

    def _ask(self, data: bytes) -> None:
        self.say(self._waiting + data)
        self._waiting = b""


def compiled_stream(name: str, make: Callable[[Any], wiring.Component], line: str) -> Path:
    """The simulation of a link; ``line`` is the C++ of its class ``Line``."""
    return compiled(name, make, line + Path(__file__).with_name("stream.cpp").read_text(encoding="utf-8"))
