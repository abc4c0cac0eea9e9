"""A microcontroller between a serial port and a simulated board behind SPI."""

from __future__ import annotations

from bnnhw.links.host import Listened

__all__ = ["Bridge"]

QUIET_S = 0.05
"""Simulated silence after which a transaction that is not whole is given up."""


class Bridge:
    """Makes transactions of what a program says at a serial port (:func:`~bnnhw.links.spi.port.bridged`).

    Parameters
    ----------
    line : Listened
        A write is a transaction; its bytes are read afterwards.
    """

    def __init__(self, line: Listened) -> None:
        self._line = line
        self._asked = bytearray()
        self._heard = line.clock()

    def clock(self) -> float:
        return self._line.clock()

    def write(self, data: bytes, /) -> int:
        if self.clock() - self._heard > QUIET_S:
            self._asked.clear()
        self._heard = self.clock()
        self._asked += data
        while len(self._asked) >= 2 and len(self._asked) >= 2 + (size := int.from_bytes(self._asked[:2], "little")):
            self._line.write(bytes(self._asked[2 : 2 + size]))
            del self._asked[: 2 + size]
        return len(data)

    def read(self, size: int = 1, /, wait_s: float = 0.0) -> bytes:
        return self._line.read(size, wait_s=wait_s)
