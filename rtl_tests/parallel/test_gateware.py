"""The whole link over its pins: the host's own encoder and decoder, a FIFO whose time is its own."""

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
from bnnhw.links.parallel.gateware import ParallelLink
from bnnhw.links.parallel.timing import Timing
from rtl_tests.packets.accelerator import SumAccelerator, expected, frames_of
from rtl_tests.parallel.far_end import FarEnd
from rtl_tests.streams import differences, idle, run

FASTEST = Timing(1, 1, 1)
TIMEOUT = 300


class Talk:
    """What comes back for bytes: replies, each with the lamps as it has come.

    Parameters
    ----------
    pieces : sequence of bytes
        Each is sent when the one before has been read.
    wait : sequence of int
        Cycles behind each of them.
    """

    def __init__(
        self,
        accelerator: SumAccelerator,
        pieces: Sequence[bytes],
        replies: int,
        timing: Timing = FASTEST,
        wait: Sequence[int] = (),
        **far: Any,
    ) -> None:
        self.dut = ParallelLink(accelerator, classes=4, timing=timing, timeout=TIMEOUT, identity=0x12345678)
        self.far = FarEnd(self.dut, timing, answer=0.4, ready=timing.ready - 0.1, **far)
        self.pieces, self.replies, self.wait = pieces, replies, wait
        self.said: list[Reply] = []
        self.lamps: list[tuple[int, int]] = []
        self.decoder, self.fed = Decoder(), 0
        run(self.dut, self._host, background=self.far.background, cycles=50_000)
        assert len(self.said) == replies
        assert self.decoder.skipped == 0

    async def _host(self, ctx: Any) -> None:
        for number, piece in enumerate(self.pieces):
            self.far.waiting.extend(piece)
            while self.far.waiting:
                await self._step(ctx)
            for _ in range(self.wait[number] if number < len(self.wait) else 0):
                await self._step(ctx)
        while len(self.said) < self.replies:
            await self._step(ctx)
        await idle(ctx, 100)
        self._listen(ctx)

    async def _step(self, ctx: Any) -> None:
        await ctx.tick()
        self._listen(ctx)

    def _listen(self, ctx: Any) -> None:
        if len(self.far.received) == self.fed:
            return
        new, self.fed = self.far.received[self.fed :], len(self.far.received)
        for reply in self.decoder.feed(bytes(new)):
            self.said.append(reply)
            self.lamps.append((ctx.get(self.dut.error), ctx.get(self.dut.activity)))


@pytest.mark.parametrize("input_width, frame_bits", [(8, 24), (13, 37), (1, 9)])
@pytest.mark.parametrize("timing", [FASTEST, Timing(2, 2, 2)])
def test_frames(input_width: int, frame_bits: int, timing: Timing) -> None:
    """In one go; at most four are under way."""
    accelerator = SumAccelerator(input_width, frame_bits, bias=300)
    frames = frames_of(accelerator, 4)
    packets = b"".join(encode_frame(frame, 10 + number) for number, frame in enumerate(frames))
    talk = Talk(accelerator, [packets], len(frames), timing)
    assert talk.said == [expected(accelerator, frame, 10 + i) for i, frame in enumerate(frames)]


def test_the_crc_keeps_up() -> None:
    """At the shortest times that there are no byte waits for it, not even behind a packet."""
    accelerator = SumAccelerator(8, 24)
    packets = b"".join(encode_frame(frame, 0) for frame in frames_of(accelerator, 2))
    dut = ParallelLink(accelerator, classes=4, timing=FASTEST, timeout=TIMEOUT, identity=0)
    far = FarEnd(dut, FASTEST, packets, answer=0.3, ready=0.9, room=0)
    run(dut, far.until_read, background=far.background)
    assert set(differences(far.reads)) == {FASTEST.read}


def test_what_it_is() -> None:
    talk = Talk(SumAccelerator(8, 20), [encode_info_request()], 1)
    assert talk.said == [BoardInfo(VERSION, 0x12345678, 3, 4, 3)]
    assert len(talk.far.asks) == 1


@pytest.mark.parametrize("cut", [1, 4, 12])
def test_a_packet_that_breaks_off(cut: int) -> None:
    """Reported after the silence; the next one is taken whole."""
    accelerator = SumAccelerator(8, 32)
    first, second = frames_of(accelerator, 2)
    talk = Talk(accelerator, [encode_frame(first, 1)[:cut], encode_frame(second, 2)], 2, wait=(TIMEOUT + 60,))
    kind = 0 if cut == 1 else PacketType.FRAME
    assert talk.said == [BoardError(ErrorCode.TRUNCATED, kind), expected(accelerator, second, 2)]


def test_a_damaged_packet() -> None:
    accelerator = SumAccelerator(8, 32)
    first, second, third = frames_of(accelerator, 3)
    damaged = bytearray(encode_frame(second, 2))
    damaged[6] ^= 0x10
    talk = Talk(accelerator, [encode_frame(first, 1) + bytes(damaged) + encode_frame(third, 3)], 3)
    assert BoardError(ErrorCode.BAD_CRC, PacketType.FRAME) in talk.said
    assert [reply for reply in talk.said if isinstance(reply, BoardResult)] == [
        expected(accelerator, first, 1),
        expected(accelerator, third, 3),
    ]


def test_overrun_is_reported_and_costs_only_its_frame() -> None:
    """An accelerator slower than the port: a frame inside it, two in the banks, the fourth is refused."""
    accelerator = SumAccelerator(8, 32, pause=900)
    frames = frames_of(accelerator, 4)
    talk = Talk(accelerator, [b"".join(encode_frame(f, i) for i, f in enumerate(frames))], 4)
    assert talk.said == [
        BoardError(ErrorCode.OVERRUN, PacketType.FRAME),
        *(expected(accelerator, frame, i) for i, frame in enumerate(frames[:3])),
    ]


def test_lamps() -> None:
    """The error lamp burns from a bad packet to the next good one; the other changes with every result."""
    accelerator = SumAccelerator(8, 32)
    (frame,) = frames_of(accelerator, 1)
    bad = encode_packet(0x44, b"hello")
    pieces = [bad, encode_info_request(), encode_frame(frame, 1), encode_frame(frame, 2), bad]
    talk = Talk(accelerator, pieces, 5, wait=[300] * 5)
    assert [(type(reply), *lamps) for reply, lamps in zip(talk.said, talk.lamps, strict=True)] == [
        (BoardError, 1, 0),
        (BoardInfo, 0, 0),
        (BoardResult, 0, 1),
        (BoardResult, 0, 0),
        (BoardError, 1, 0),
    ]
