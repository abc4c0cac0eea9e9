"""The host against a board made of bytes, on a line that damages, loses and cuts packets."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable

import pytest

from bnnhw.errors import CheckError, RequestError
from bnnhw.links.packets.device import ATTEMPTS, Device
from bnnhw.links.packets.packet import (
    COUNTS_FORMAT,
    INFO_FORMAT,
    SYNC,
    VERSION,
    ErrorCode,
    PacketType,
    crc32,
    encode_packet,
)
from bnnhw.links.packets.protocol import BoardCounts, encode_count
from bnnhw.links.packets.serial_port import open_serial

FRAME_BYTES = 4
IDENTITY = 0xCAFE0001


class Board:
    """A port with a board behind it, in a time of its own: a read that finds nothing takes 10 ms.

    Parameters
    ----------
    damage : callable
        What the line makes of a packet from the host.
    """

    def __init__(self, damage: Callable[[bytes], bytes] = lambda packet: packet, version: int = VERSION) -> None:
        self.damage = damage
        self.version = version
        self.now = 0.0
        self.takes = 0.0
        self.answers = bytearray()
        self.sent = 0
        self.closed = False

    def clock(self) -> float:
        return self.now

    def write(self, data: bytes) -> int:
        self.sent += 1
        packet = self.damage(data)
        if packet:
            self.answers += self._answer(packet)
        return len(data)

    def read(self, size: int = 1) -> bytes:
        if not self.answers:
            self.now += 0.01
        received = bytes(self.answers[:size])
        del self.answers[:size]
        return received

    def close(self) -> None:
        self.closed = True

    def _answer(self, packet: bytes) -> bytes:
        body, crc = packet[1:-4], packet[-4:]
        if packet[0] != SYNC:
            return b""
        if len(packet) < 8 or len(body) != 3 + struct.unpack_from("<H", body, 1)[0]:
            return encode_packet(PacketType.ERROR, bytes([ErrorCode.TRUNCATED, 0]))
        if crc32(body) != int.from_bytes(crc, "little"):
            return encode_packet(PacketType.ERROR, bytes([ErrorCode.BAD_CRC, body[0]]))
        if body[0] == PacketType.INFO_REQUEST:
            return encode_packet(PacketType.INFO, struct.pack(INFO_FORMAT, self.version, IDENTITY, FRAME_BYTES, 10, 2))
        if body[0] == PacketType.COUNT:
            frames = int.from_bytes(body[3:], "little")
            self.now += self.takes
            return encode_packet(PacketType.COUNTS, b"".join(
                number.to_bytes(size, "little")
                for number, size in zip((frames, frames // 3, 1, 10 * frames), COUNTS_FORMAT, strict=True)
            ))  # fmt: skip
        tag, frame = body[3], body[4:]
        score = sum(frame) - 500
        return encode_packet(
            PacketType.RESULT, struct.pack("<BH", tag, score % 10) + score.to_bytes(2, "little", signed=True)
        )


def frames_of(count: int) -> list[bytes]:
    generator = random.Random(3)
    return [generator.randbytes(FRAME_BYTES) for _ in range(count)]


def device(board: Board) -> Device:
    return Device(board, clock=board.clock)


def check(board: Board, count: int) -> Device:
    frames = frames_of(count)
    host = device(board)
    results = list(host.run(frames))
    assert [(r.tag, r.score) for r in results] == [(i % 256, sum(f) - 500) for i, f in enumerate(frames)]
    return host


def test_all_well() -> None:
    """More frames than there are tags."""
    board = Board()
    assert check(board, 600).resent == 0
    assert board.sent == 601
    assert board.now < 1


def test_no_frames() -> None:
    assert list(device(Board()).run([])) == []


def test_counts() -> None:
    host = device(Board())
    for frames in (1, 300, (1 << 24) - 1):
        assert host.count(frames, 0.0) == BoardCounts(frames, frames // 3, 1, 10 * frames)
    for frames in (0, 1 << 24):
        message = f"frames must be in 1..16777215, not {frames}"
        with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
            host.count(frames, 0.0)


@pytest.mark.parametrize("kind", ["flip", "lose", "cut", "other"])
def test_counts_on_a_bad_line(kind: str) -> None:
    """Asked again until the answer is that to this question, and waited for as long as it takes."""
    packets = 0

    def damage(packet: bytes) -> bytes:
        nonlocal packets
        packets += 1
        if packet[1] != PacketType.COUNT or packets > 4:
            return packet
        return {
            "flip": packet[:5] + bytes([packet[5] ^ 1]) + packet[6:],
            "lose": b"",
            "cut": packet[:-2],
            "other": encode_count(7),
        }[kind]

    board = Board(damage)
    board.takes = 5.0
    assert device(board).count(100, 5.0) == BoardCounts(100, 33, 1, 1000)
    assert packets == 5


def test_a_count_that_never_comes() -> None:
    board = Board(lambda packet: b"" if packet[1] == PacketType.COUNT else packet)
    host = device(board)
    board.sent, before = 0, board.now
    message = f"the link failed {ATTEMPTS} times in a row, the last time with: no reply"
    with pytest.raises(CheckError, match=f"^{re.escape(message)}$"):
        host.count(3, 2.0)
    assert board.sent == ATTEMPTS
    assert board.now - before > ATTEMPTS * 2.0


@pytest.mark.parametrize("kind", ["flip", "lose", "cut"])
def test_bad_line(kind: str) -> None:
    """A tenth of all packets hit: every result still comes, once and in order."""
    generator = random.Random(kind)

    def damage(packet: bytes) -> bytes:
        if generator.random() > 0.1:
            return packet
        position = generator.randrange(1, len(packet))
        if kind == "flip":
            return packet[:position] + bytes([packet[position] ^ 4]) + packet[position + 1 :]
        return b"" if kind == "lose" else packet[:position]

    assert check(Board(damage), 300).resent > 10


def test_broken_line() -> None:
    board = Board()
    host = device(board)
    board.damage = lambda packet: packet[:-1] + bytes([packet[-1] ^ 1])
    message = f"the link failed {ATTEMPTS} times in a row, the last time with: bad crc"
    with pytest.raises(CheckError, match=f"^{re.escape(message)}$"):
        list(host.run(frames_of(3)))


def test_silent_board() -> None:
    with pytest.raises(CheckError, match=f"^no board answers: {ATTEMPTS} requests without a reply$"):
        device(Board(lambda packet: b""))


def test_other_version() -> None:
    message = f"the board speaks version 9 of the protocol, this host {VERSION}"
    with pytest.raises(CheckError, match=f"^{re.escape(message)}$"):
        device(Board(version=9))


def test_other_design() -> None:
    host = device(Board())
    host.check(IDENTITY, FRAME_BYTES, 10)
    message = "the board holds design cafe0001 (4 bytes per frame, 10 classes), not 00000005 (4, 10): program it first"
    with pytest.raises(CheckError, match=f"^{re.escape(message)}$"):
        host.check(5, FRAME_BYTES, 10)


def test_frame_of_wrong_length() -> None:
    board = Board()
    host = device(board)
    with pytest.raises(RequestError, match=r"^frame 0 must have 4 bytes, not 3$"):
        list(host.run([b"abc"]))
    assert board.sent == 1


def test_closes_the_port() -> None:
    board = Board()
    with device(board):
        pass
    assert board.closed


def test_unknown_port() -> None:
    with pytest.raises(RequestError, match=r"^port /nowhere: .*; ports there are: .+$"):
        open_serial("/nowhere", 1_000_000)


class Small(Board):
    """A board that holds so many frames, and refuses one more; it answers one whenever the host waits."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room, self.held, self.refused = room, list[bytes](), 0

    def write(self, data: bytes) -> int:
        if data[1] != PacketType.FRAME:
            return super().write(data)
        if len(self.held) == self.room:
            self.refused += 1
            self.answers += encode_packet(PacketType.ERROR, bytes([ErrorCode.OVERRUN, PacketType.FRAME]))
        else:
            self.held.append(data)
        return len(data)

    def read(self, size: int = 1) -> bytes:
        if not self.answers and self.held:
            self.answers += self._answer(self.held.pop(0))
            self.now += 1e-5
        return super().read(size)


@pytest.mark.parametrize("room", [2, 3])
def test_a_board_with_less_room(room: int) -> None:
    """Two banks hold two frames at least. After a refusal one fewer is sent ahead, and no silence is waited for."""
    board = Small(room)
    host = device(board)
    start, frames = board.now, frames_of(100)
    assert [result.score for result in host.run(frames)] == [sum(frame) - 500 for frame in frames]
    assert board.refused == host.resent == 4 - room
    assert board.now - start < 0.1
