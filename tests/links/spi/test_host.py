"""The host over transactions: what goes out together, what is taken from what comes back, and what a dead line says."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from bnnhw.errors import CheckError, RequestError
from bnnhw.links.packets.device import Device
from bnnhw.links.packets.packet import ErrorCode, PacketType, encode_packet
from bnnhw.links.spi.host import FILLER, Polling, Replies, open_host
from bnnhw.links.spi.rate import IDLE
from tests.links.packets.test_device import Board, check, device, frames_of

REPLY = encode_packet(0x82, bytes([IDLE, 0xA5, IDLE, IDLE, 7]))


class Line:
    """A port of transactions with a board behind it: a board's idle byte first, then what waits, then idle bytes.

    Parameters
    ----------
    damage : callable
        What becomes of what comes back.
    longest : int, optional
    """

    def __init__(self, damage: Callable[[bytes], bytes] = lambda back: back, longest: int | None = None) -> None:
        self.board = Board()
        self.damage = damage
        self.sent: list[bytes] = []
        self.waiting = bytearray()
        self.back = b""
        self.closed = False
        if longest is not None:
            self.longest = longest

    def clock(self) -> float:
        return self.board.now

    def write(self, data: bytes, /) -> int:
        self.sent.append(data)
        self.board.now += len(data) * 1e-5
        packets, rest = [], data
        while rest[:1] == b"\xa5":
            size = 8 + int.from_bytes(rest[2:4], "little")
            packets.append(rest[:size])
            rest = rest[size:]
        assert set(rest) <= {FILLER}
        before = bytes(self.waiting[: len(data) - 1])
        del self.waiting[: len(data) - 1]
        self.back = self.damage(bytes([IDLE]) + before + bytes([IDLE] * (len(data) - 1 - len(before))))
        for packet in packets:
            self.board.write(packet)
        self.waiting += self.board.answers
        self.board.answers.clear()
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        # In two pieces, as a port may.
        back, self.back = self.back[: max(1, size // 2)], self.back[max(1, size // 2) :]
        return back

    def close(self) -> None:
        self.closed = True


def host(line: Line) -> Device:
    return Device(Polling(line, line.clock), clock=line.clock, settle_s=0.001)


def test_all_well() -> None:
    """Every result, once and in order; a frame takes about one transaction."""
    line, frames = Line(), frames_of(100)
    results = list(host(line).run(frames))
    assert [(r.tag, r.score) for r in results] == [(i % 256, sum(f) - 500) for i, f in enumerate(frames)]
    assert len(line.sent) < 130


@pytest.mark.parametrize("kind", ["flip", "shift", "lose"])
def test_bad_line_back(kind: str) -> None:
    """A tenth of all answers hit: every result still comes, once and in order."""
    generator = random.Random(kind)

    def damage(back: bytes) -> bytes:
        if generator.random() > 0.1:
            return back
        at = generator.randrange(1, len(back))
        if kind == "flip":
            return back[:at] + bytes([back[at] ^ 8]) + back[at + 1 :]
        if kind == "shift":
            return (int.from_bytes(back, "big") >> 1).to_bytes(len(back), "big")
        return back[:at] + back[at + 1 :] + b"\xff"

    line, frames = Line(damage), frames_of(100)
    device = host(line)
    assert [r.score for r in device.run(frames)] == [sum(frame) - 500 for frame in frames]
    assert device.resent > 3


def test_what_is_taken_from_what_comes_back() -> None:
    """A reply, whatever its bytes are, in pieces of any size; idle bytes and noise between replies are dropped."""
    stream = bytes([IDLE, IDLE, 0x00, 0xFF]) + REPLY + bytes([IDLE]) + REPLY + REPLY + bytes([IDLE, 0x81])
    for size in (1, 2, 5, 100):
        replies = Replies()
        assert b"".join(replies.feed(stream[at : at + size]) for at in range(0, len(stream), size)) == 3 * REPLY
    # A length that no reply has: it was noise.
    assert Replies().feed(b"\xa5\x82\x41\x00" + bytes([IDLE]) + REPLY) == b"\xa5\x82\x41\x00" + REPLY


def test_packets_wait_for_a_read_and_go_out_together() -> None:
    """As many as fit a transaction, none is cut."""
    line = Line(longest=30)
    port = Polling(line, line.clock, 1e-9)
    packets = [encode_packet(2, bytes([tag, 1, 2, 3, 4])) for tag in range(3)]
    assert [port.write(packet) for packet in packets] == [13, 13, 13]
    assert line.sent == []
    port.read(100)
    port.read(100)
    port.read(100)
    assert line.sent[:2] == [packets[0] + packets[1], packets[2]]
    assert set(line.sent[2]) == {FILLER}
    with pytest.raises(
        RequestError, match=r"^a packet of 31 bytes is longer than a transaction of this port, 30 bytes$"
    ):
        port.write(bytes(31))
    port.close()
    assert line.closed


def test_questions_grow_longer_and_end() -> None:
    """16 bytes, then twice as many each time, up to 256, for as long as the patience lasts."""
    line = Line()
    assert Polling(line, line.clock, 0.01).read(10) == b""
    assert [len(sent) for sent in line.sent] == [16, 32, 64, 128, 256, 256, 256]
    assert 0.01 <= line.clock() < 0.0126


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_a_dead_line(level: int) -> None:
    line = Line(lambda back: bytes([level]) * len(back))
    message = (
        f"no board answers: 5 requests without a reply; transactions begin with {level:02x}, and a board's with 3c: "
        "wires, SPI mode, SCK or the bitstream are others"
    )
    with pytest.raises(CheckError, match=f"^{re.escape(message)}$"):
        open_host(line, line.clock)
    # Where a board says its idle byte, and no more, the lines are right.
    deaf = Line(lambda back: bytes([IDLE]) * len(back))
    with pytest.raises(CheckError, match=r"^no board answers: 5 requests without a reply$"):
        open_host(deaf, deaf.clock)


def test_a_line_that_is_never_quiet() -> None:
    """Begins of replies without end: the host gives up all the same."""
    line = Line(lambda back: b"\xa5" * len(back))
    with pytest.raises(CheckError, match=r"^no board answers"):
        open_host(line, line.clock)
    assert line.clock() < 5 * (1 + 10 * 0.15) + 1


def test_a_serial_line_that_is_never_quiet() -> None:
    """The same of a port of bytes."""

    class Chatter(Board):
        def read(self, size: int = 1) -> bytes:
            self.now += 0.001
            return b"\x55" * size

    board = Chatter()
    with pytest.raises(CheckError, match=r"^no board answers"):
        device(board)
    assert check(Board(), 3).resent == 0
    assert encode_packet(PacketType.ERROR, bytes([ErrorCode.BAD_CRC, 2]))[0] == 0xA5
