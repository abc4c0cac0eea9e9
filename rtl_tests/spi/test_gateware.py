"""The whole link over its pins: the host's own encoder and decoder, a master whose clock is its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bnnhw.links.packets.packet import VERSION, ErrorCode, PacketType, encode_packet
from bnnhw.links.packets.protocol import (
    BoardError,
    BoardInfo,
    BoardResult,
    Decoder,
    Reply,
    encode_frame,
    encode_info_request,
)
from bnnhw.links.spi.gateware import SpiLink
from bnnhw.links.spi.host import Replies
from bnnhw.links.spi.rate import IDLE
from rtl_tests.packets.accelerator import SumAccelerator, expected, frames_of
from rtl_tests.spi.master import Master
from rtl_tests.streams import run


def talk(
    accelerator: SumAccelerator, transactions: Sequence[bytes], replies: int, *, ratio: float = 1.7, poll: int = 9
) -> list[tuple[Reply, int, int]]:
    """Replies to transactions, each with the lamps as it has come; polls until so many are there, and once more."""
    dut = SpiLink(accelerator, classes=4, identity=0x12345678)
    master = Master(dut, ratio)
    decoder, stream = Decoder(), Replies()
    received: list[tuple[Reply, int, int]] = []

    async def exchange(ctx: Any, data: bytes) -> None:
        back = await master.transfer(ctx, data)
        assert back[0] == IDLE
        for reply in decoder.feed(stream.feed(back[1:])):
            received.append((reply, ctx.get(dut.error), ctx.get(dut.activity)))

    async def host(ctx: Any) -> None:
        for data in transactions:
            await exchange(ctx, data)
        while len(received) < replies:
            await exchange(ctx, bytes(poll))
        await exchange(ctx, bytes(40))

    run(dut, host, cycles=50_000)
    assert len(received) == replies
    assert decoder.skipped == 0
    return received


def said(talked: list[tuple[Reply, int, int]]) -> list[Reply]:
    return [reply for reply, _, _ in talked]


@pytest.mark.parametrize(
    "input_width, frame_bits, ratio, together", [(8, 24, 2.0, True), (13, 37, 0.9, False), (1, 9, 1.3, True)]
)
def test_frames(input_width: int, frame_bits: int, ratio: float, together: bool) -> None:
    """In one transaction, or in one each; at most four are under way."""
    accelerator = SumAccelerator(input_width, frame_bits, bias=300)
    frames = frames_of(accelerator, 4)
    packets = [encode_frame(frame, 10 + number) for number, frame in enumerate(frames)]
    talked = talk(accelerator, [b"".join(packets)] if together else packets, len(frames), ratio=ratio)
    assert said(talked) == [expected(accelerator, frame, 10 + i) for i, frame in enumerate(frames)]


@pytest.mark.parametrize("poll", [2, 7])
def test_a_reply_in_pieces(poll: int) -> None:
    """It goes on in the next transaction, behind its first byte."""
    talked = talk(SumAccelerator(8, 20), [encode_info_request()], 1, poll=poll)
    assert said(talked) == [BoardInfo(VERSION, 0x12345678, 3, 4, 3)]


@pytest.mark.parametrize("cut", [1, 4, 12])
def test_a_packet_that_its_transaction_does_not_end(cut: int) -> None:
    """Reported at once, with no silence to wait for; the next transaction is taken whole."""
    accelerator = SumAccelerator(8, 32)
    first, second = frames_of(accelerator, 2)
    talked = talk(accelerator, [encode_frame(first, 1)[:cut], encode_frame(second, 2)], 2)
    kind = 0 if cut == 1 else PacketType.FRAME
    assert said(talked) == [BoardError(ErrorCode.TRUNCATED, kind), expected(accelerator, second, 2)]


@pytest.mark.parametrize("position", [1, 2, 3, 6, 12])
def test_a_damaged_packet(position: int) -> None:
    """Damage to its length is over with the transaction as well."""
    accelerator = SumAccelerator(8, 32)
    first, second, third = frames_of(accelerator, 3)
    damaged = bytearray(encode_frame(second, 2))
    damaged[position] ^= 0x01
    talked = talk(accelerator, [encode_frame(first, 1), bytes(damaged), encode_frame(third, 3)], 3)
    assert [reply for reply in said(talked) if isinstance(reply, BoardResult)] == [
        expected(accelerator, first, 1),
        expected(accelerator, third, 3),
    ]
    (error,) = (reply for reply in said(talked) if isinstance(reply, BoardError))
    assert error.code in (ErrorCode.BAD_CRC, ErrorCode.TRUNCATED)


def test_overrun_is_reported_and_costs_only_its_frame() -> None:
    """An accelerator slower than the line: a frame inside it, two in the banks, the fourth is refused."""
    accelerator = SumAccelerator(8, 32, pause=600)
    frames = frames_of(accelerator, 4)
    talked = talk(accelerator, [b"".join(encode_frame(f, i) for i, f in enumerate(frames))], 4, poll=30)
    assert said(talked) == [
        BoardError(ErrorCode.OVERRUN, PacketType.FRAME),
        *(expected(accelerator, frame, i) for i, frame in enumerate(frames[:3])),
    ]


def test_lamps() -> None:
    """The error lamp burns from a bad packet to the next good one; the other changes with every result."""
    accelerator = SumAccelerator(8, 32)
    (frame,) = frames_of(accelerator, 1)
    bad, ask = encode_packet(0x44, b"hello") + bytes(30), encode_info_request() + bytes(30)
    talked = talk(
        accelerator, [bad, ask, encode_frame(frame, 1) + bytes(30), encode_frame(frame, 2) + bytes(30), bad], 5
    )
    assert [(type(reply), error, activity) for reply, error, activity in talked] == [
        (BoardError, 1, 0),
        (BoardInfo, 0, 0),
        (BoardResult, 0, 1),
        (BoardResult, 0, 0),
        (BoardError, 1, 0),
    ]
