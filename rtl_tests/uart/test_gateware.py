"""The whole link over its two pins, against the host's own encoder and decoder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from bnnhw.errors import RequestError
from bnnhw.links.packets.packet import VERSION, ErrorCode, PacketType, check_frame_size, encode_packet
from bnnhw.links.packets.protocol import (
    BoardError,
    BoardInfo,
    BoardResult,
    Decoder,
    Reply,
    encode_frame,
    encode_info_request,
)
from bnnhw.links.uart.gateware import UartLink
from rtl_tests.packets.accelerator import SumAccelerator, expected, frames_of
from rtl_tests.streams import idle, run
from rtl_tests.uart.line import drive_line, read_line

DIVISOR = 4
TIMEOUT = 25 * DIVISOR


def talk(
    accelerator: SumAccelerator, pieces: Sequence[tuple[bytes, int]], replies: int, cycles: int = 200_000
) -> list[Reply]:
    """Sends bytes on ``rx``, each piece followed by a silence in cycles, until so many replies have come."""
    dut = UartLink(accelerator, classes=4, divisor=DIVISOR, timeout=TIMEOUT, identity=0x12345678)
    received: list[Reply] = []
    decoder = Decoder()

    async def host(ctx: Any) -> None:
        for values, silence in pieces:
            await drive_line(ctx, dut.rx, DIVISOR, values)
            await idle(ctx, silence)

    async def board(ctx: Any) -> None:
        while len(received) < replies:
            received.extend(decoder.feed(bytes([await read_line(ctx, dut.tx, DIVISOR)])))
        # Nothing may follow.
        for _ in range(60 * DIVISOR):
            assert ctx.get(dut.tx) == 1
            await ctx.tick()

    run(dut, host, board, cycles=cycles)
    assert decoder.skipped == 0
    return received


@pytest.mark.parametrize(
    ("input_width", "frame_bits"), [(8, 24), (1, 9), (3, 32), (16, 40), (13, 37), (5, 5), (18, 12)]
)
def test_frames_back_to_back(input_width: int, frame_bits: int) -> None:
    accelerator = SumAccelerator(input_width, frame_bits, bias=300)
    frames = frames_of(accelerator, 4)
    replies = talk(accelerator, [(b"".join(encode_frame(f, 10 + i) for i, f in enumerate(frames)), 0)], len(frames))
    assert replies == [expected(accelerator, frame, 10 + i) for i, frame in enumerate(frames)]


def test_info() -> None:
    replies = talk(SumAccelerator(8, 20), [(encode_info_request(), 0)], 1)
    assert replies == [BoardInfo(VERSION, 0x12345678, 3, 4, 3)]


@pytest.mark.parametrize("position", range(1, 13))
def test_damaged_frame_is_dropped_and_the_next_one_works(position: int) -> None:
    accelerator = SumAccelerator(8, 32)
    first, second, third = frames_of(accelerator, 3)
    damaged = bytearray(encode_frame(second, 2))
    damaged[position] ^= 0x01
    pieces = [(encode_frame(first, 1), 0), (bytes(damaged), 2 * TIMEOUT), (encode_frame(third, 3), 0)]
    # Damage to the length's upper byte makes it wait for 256 bytes more; the silence ends that too.
    replies = talk(accelerator, pieces, 3)
    assert [r for r in replies if isinstance(r, BoardResult)] == [
        expected(accelerator, first, 1),
        expected(accelerator, third, 3),
    ]
    (error,) = (r for r in replies if isinstance(r, BoardError))
    assert error.code in (ErrorCode.BAD_CRC, ErrorCode.TRUNCATED)


def test_damaged_frame_without_a_pause() -> None:
    """With its length intact, not even the packet right behind it is lost."""
    accelerator = SumAccelerator(8, 32)
    first, second = frames_of(accelerator, 2)
    damaged = bytearray(encode_frame(first, 1))
    damaged[6] ^= 0x80
    replies = talk(accelerator, [(bytes(damaged) + encode_frame(second, 2), 0)], 2)
    assert replies == [BoardError(ErrorCode.BAD_CRC, PacketType.FRAME), expected(accelerator, second, 2)]


@pytest.mark.parametrize("cut", [1, 3, 5, 8, 12])
def test_truncated_frame_is_dropped_and_the_next_one_works(cut: int) -> None:
    accelerator = SumAccelerator(8, 32)
    first, second = frames_of(accelerator, 2)
    replies = talk(accelerator, [(encode_frame(first, 1)[:cut], 2 * TIMEOUT), (encode_frame(second, 2), 0)], 2)
    kind = 0 if cut == 1 else PacketType.FRAME
    assert replies == [BoardError(ErrorCode.TRUNCATED, kind), expected(accelerator, second, 2)]


def test_wrong_types_and_lengths() -> None:
    accelerator = SumAccelerator(8, 32)
    (frame,) = frames_of(accelerator, 1)
    pieces = [
        (encode_packet(0x44, b"hello"), 4 * TIMEOUT),
        (encode_frame(frame + b"x", 1), 4 * TIMEOUT),
        (encode_frame(frame[:-1], 1), 4 * TIMEOUT),
        (encode_frame(frame, 7), 0),
    ]
    assert talk(accelerator, pieces, 4) == [
        BoardError(ErrorCode.BAD_TYPE, 0x44),
        BoardError(ErrorCode.BAD_LENGTH, PacketType.FRAME),
        BoardError(ErrorCode.BAD_LENGTH, PacketType.FRAME),
        expected(accelerator, frame, 7),
    ]


def test_overrun_is_reported_and_costs_only_its_frame() -> None:
    """An accelerator slower than the line: a frame inside it, two in the banks, the fourth is refused."""
    accelerator = SumAccelerator(8, 32, pause=70 * 10 * DIVISOR)
    frames = frames_of(accelerator, 4)
    replies = talk(accelerator, [(b"".join(encode_frame(f, i) for i, f in enumerate(frames)), 0)], 4)
    assert replies == [
        BoardError(ErrorCode.OVERRUN, PacketType.FRAME),
        *(expected(accelerator, frame, i) for i, frame in enumerate(frames[:3])),
    ]


def test_lamps() -> None:
    """The error lamp burns from a bad packet to the next good one, of frames or of info; the other blinks with results.

    Read as each reply begins: a lamp has changed by then.
    """
    accelerator = SumAccelerator(8, 32)
    (frame,) = frames_of(accelerator, 1)
    bad = encode_packet(0x44, b"hello")
    pieces = [bad, encode_info_request(), bad, encode_frame(frame, 1), encode_frame(frame, 2), bad]
    dut = UartLink(accelerator, classes=4, divisor=DIVISOR, timeout=TIMEOUT, identity=0x12345678)
    decoder = Decoder()
    lamps: list[tuple[type[Reply], int, int]] = []

    async def host(ctx: Any) -> None:
        for piece in pieces:
            await drive_line(ctx, dut.rx, DIVISOR, piece)
            await idle(ctx, 400 * DIVISOR)

    async def board(ctx: Any) -> None:
        while len(lamps) < len(pieces):
            for reply in decoder.feed(bytes([await read_line(ctx, dut.tx, DIVISOR)])):
                lamps.append((type(reply), ctx.get(dut.error), ctx.get(dut.activity)))

    run(dut, host, board, cycles=200_000)
    assert lamps == [
        (BoardError, 1, 0),
        (BoardInfo, 0, 0),
        (BoardError, 1, 0),
        (BoardResult, 0, 1),
        (BoardResult, 0, 0),
        (BoardError, 1, 0),
    ]


def test_frame_too_long_for_a_packet() -> None:
    assert check_frame_size(65534 * 8) == 65534
    message = "a frame must have at most 65534 bytes in a packet, not 65535"
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        check_frame_size(65534 * 8 + 1)
