"""The host's side of an SPI link: what it has to say goes out in transactions, and it asks until the board answers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from bnnhw.errors import CheckError, RequestError
from bnnhw.links.host import Port
from bnnhw.links.packets.device import Device
from bnnhw.links.packets.packet import CRC_BYTES, HEADER_BYTES, SYNC
from bnnhw.links.packets.protocol import LONGEST_REPLY
from bnnhw.links.spi.rate import IDLE

__all__ = ["FILLER", "Polling", "Replies", "open_host"]

FILLER = 0
"""What is sent where only an answer is wanted: no sync byte, and no command of a flash memory on the same lines."""

ANSWER_S = 2.0
"""How long a port may take for a transaction: it needs no board for it."""

PATIENCE_S = 0.01
"""For how long a read asks: as long as that of a serial port waits."""

FEWEST, MOST = 16, 256
"""Bytes of the first question, and of the longest: each is twice the one before, until something comes."""


class Replies:
    """Takes the bytes of replies out of what comes back: idle bytes and noise between them are dropped.

    Whether what begins as a reply does is whole and right is not decided here.
    """

    def __init__(self) -> None:
        self._head = bytearray()
        self._left = 0

    def feed(self, received: bytes) -> bytes:
        """The bytes among these that may be of replies."""
        kept = bytearray()
        for value in received:
            if self._left:
                self._left -= 1
            elif self._head:
                self._head.append(value)
                if len(self._head) == HEADER_BYTES:
                    length = int.from_bytes(self._head[2:], "little")
                    self._left = length + CRC_BYTES if length <= LONGEST_REPLY else 0
                    self._head.clear()
            elif value == SYNC:
                self._head.append(value)
            else:
                continue
            kept.append(value)
        return bytes(kept)


class Polling:
    """A port that carries bytes as they come, over one of transactions.

    Packets wait until something is read, and then go out together. A packet is never cut: the board takes one that is
    not whole at the end of a transaction for broken.

    Parameters
    ----------
    line : Port
        Each write is a transaction; as many bytes as it had can then be read. Its ``longest``, where it has one, is
        how many bytes a transaction may have.
    clock : callable
        Seconds since any moment.
    patience_s : float
        For how long a read asks.

    Attributes
    ----------
    first : int, optional
        The first byte of the latest transaction, which is :data:`~bnnhw.links.spi.rate.IDLE` where a board is.
    """

    def __init__(self, line: Port, clock: Callable[[], float] = time.monotonic, patience_s: float = PATIENCE_S) -> None:
        self._line = line
        self._patience_s = patience_s
        self._longest: int | None = getattr(line, "longest", None)
        self._clock = clock
        self._packets: deque[bytes] = deque()
        self._received = bytearray()
        self._replies = Replies()
        self.first: int | None = None

    def write(self, data: bytes, /) -> int:
        """Leaves a packet to the next read.

        Raises
        ------
        RequestError
            When it is longer than a transaction may be.
        """
        if self._longest is not None and len(data) > self._longest:
            raise RequestError(
                f"a packet of {len(data)} bytes is longer than a transaction of this port, {self._longest} bytes"
            )
        self._packets.append(data)
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        """What comes back within the patience."""
        end, asked = self._clock() + self._patience_s, FEWEST
        while not self._received:
            if self._packets:
                self._exchange(self._together())
            else:
                self._exchange(bytes([FILLER]) * asked)
                asked = min(2 * asked, MOST)
            if self._clock() >= end:
                break
        received = bytes(self._received[:size])
        del self._received[:size]
        return received

    def close(self) -> None:
        self._line.close()

    def _together(self) -> bytes:
        """As many of the waiting packets as fit one transaction."""
        sent = self._packets.popleft()
        while self._packets and (self._longest is None or len(sent) + len(self._packets[0]) <= self._longest):
            sent += self._packets.popleft()
        return sent

    def _exchange(self, sent: bytes) -> None:
        self._line.write(sent)
        back = bytearray()
        end = self._clock() + max(ANSWER_S, self._patience_s)
        while len(back) < len(sent):
            back += self._line.read(len(sent) - len(back))
            if len(back) < len(sent) and self._clock() > end:
                raise CheckError(f"the port gave {len(back)} of {len(sent)} bytes of a transaction back")
        self.first = back[0]
        # The first byte is none of a reply, wherever the last transaction ended.
        self._received += self._replies.feed(bytes(back[1:]))


def open_host(line: Port, clock: Callable[[], float] | None = None) -> Device:
    """The host over a port of transactions.

    Parameters
    ----------
    line : Port
    clock : callable, optional
        Seconds of a simulated board that has just been switched on.

    Raises
    ------
    CheckError
        When no board answers, with what the line says instead of a board's idle byte.
    """
    port = Polling(line) if clock is None else Polling(line, clock)
    try:
        # No packet is unfinished on a board that was just switched on, and its reset is over after a millisecond.
        return Device(port) if clock is None else Device(port, clock=clock, settle_s=0.001)
    except CheckError as error:
        if port.first is None or port.first == IDLE:
            raise
        raise CheckError(
            f"{error}; transactions begin with {port.first:02x}, and a board's with {IDLE:02x}: wires, SPI mode, SCK "
            "or the bitstream are others"
        ) from None
