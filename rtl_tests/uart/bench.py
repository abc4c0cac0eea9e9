"""The serial link at its pins: bits in, reply packets out."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from bnnhw.devices import technology
from bnnhw.links.packets.packet import CRC_BYTES, VERSION, ErrorCode, PacketType, encode_packet
from bnnhw.links.packets.protocol import BoardError, BoardInfo, BoardResult, Decoder, Reply, encode_frame, pack_codes
from bnnhw.links.uart.gateware import UartLink
from bnnhw.links.uart.uart import MIN_DIVISOR
from bnnhw.reference import evaluate
from bnnhw.rtl.accelerator import Accelerator
from rtl_tests.accelerator.network import FOLDED
from rtl_tests.case import PinUnit

__all__ = ["DIVISOR", "UNITS", "LinkBench", "make_link"]

DIVISOR = MIN_DIVISOR
TIMEOUT = 40 * DIVISOR
"""Four bytes of silence: a packet that breaks off is noticed quickly."""
IDENTITY = 0x1234ABCD


def make_link() -> UartLink:
    """The link around the accelerator of :mod:`rtl_tests.accelerator.network`."""
    return UartLink(
        Accelerator(FOLDED.graph(technology("generic"))),
        classes=FOLDED.network.output.classes,
        divisor=DIVISOR,
        timeout=TIMEOUT,
        identity=IDENTITY,
    )


class LinkBench:
    """A host at the pins: a driver of the line in, a monitor of the line out, the reference as model.

    Parameters
    ----------
    dut : cocotb handle
    seed : int
    """

    def __init__(self, dut: Any, seed: int) -> None:
        self.dut = dut
        self.rng = np.random.default_rng(seed)
        self.replies: list[Reply] = []
        self._decoder = Decoder()

    async def start(self) -> None:
        self.dut.link_rx.value = 1
        cocotb.start_soon(Clock(self.dut.clk, 10, unit="ns").start())
        self.dut.rst.value = 1
        await self.idle(3)
        self.dut.rst.value = 0
        await self.idle(2)
        cocotb.start_soon(self._monitor())

    async def idle(self, cycles: int) -> None:
        for _ in range(cycles):
            await RisingEdge(self.dut.clk)

    async def send(self, data: bytes, stop: int = 1) -> None:
        """Bytes on the line; with ``stop`` 0 the last has no stop bit."""
        for number, value in enumerate(data):
            last = number == len(data) - 1
            for bit in (0, *((value >> i) & 1 for i in range(8)), stop if last else 1):
                self.dut.link_rx.value = bit
                await self.idle(DIVISOR)
        self.dut.link_rx.value = 1

    async def _monitor(self) -> None:
        tx = self.dut.link_tx
        while True:
            await FallingEdge(self.dut.clk)
            if tx.value == 1:
                continue
            # In the middle of the start bit, then of each of the others.
            for _ in range(DIVISOR // 2):
                await FallingEdge(self.dut.clk)
            bits = [int(tx.value)]
            for _ in range(9):
                for _ in range(DIVISOR):
                    await FallingEdge(self.dut.clk)
                bits.append(int(tx.value))
            assert bits[0] == 0 and bits[9] == 1, f"no byte: {bits}"
            self.replies.extend(self._decoder.feed(bytes([sum(bit << i for i, bit in enumerate(bits[1:9]))])))
            assert self._decoder.skipped == 0, "bytes that are no packet"

    def frame(self, tag: int) -> tuple[bytes, BoardResult]:
        """A random sample's packet, as the host makes it, and the reply due, of levels counted one by one."""
        network = FOLDED.network
        spec = network.input
        sample = self.rng.normal(size=spec.elements)
        levels = [
            sum(t > x if falls else t <= x for t in row)
            for x, row, falls in zip(sample, spec.rows, spec.falling, strict=True)
        ]
        scores = evaluate(network, np.array([levels], np.uint8))
        index = int(scores.classes[0])
        packet = encode_frame(pack_codes(spec.encode(sample[None])[0], spec.dtype.bits), tag)
        return packet, BoardResult(tag, index, int(scores.best[0]))

    async def expect(self, replies: Sequence[Reply]) -> None:
        """These replies, in this order, and no other."""
        for _ in range(40):
            if len(self.replies) >= len(replies):
                break
            await self.idle(10 * DIVISOR)
        await self.idle(30 * DIVISOR)
        assert self.replies == list(replies)
        self.replies.clear()


def _damaged(packet: bytes, rng: random.Random) -> Iterator[bytes]:
    """The packet with one bit of its payload, then of its CRC, flipped."""
    for place in (rng.randrange(5, len(packet) - CRC_BYTES), len(packet) - 1):
        yield packet[:place] + bytes([packet[place] ^ 1 << rng.randrange(8)]) + packet[place + 1 :]


async def good_frames(bench: LinkBench) -> None:
    """Back to back, and a request between them."""
    packets = [bench.frame(tag) for tag in (7, 0, 255)]
    await bench.send(b"".join(packet for packet, _ in packets))
    await bench.expect([result for _, result in packets])
    await bench.send(encode_packet(PacketType.INFO_REQUEST))
    size = -(-FOLDED.network.input.elements * FOLDED.network.input.dtype.bits // 8)
    score_bytes = make_link().core.score_bytes
    await bench.expect([BoardInfo(VERSION, IDENTITY, size, FOLDED.network.output.classes, score_bytes)])


async def corrupted_frame_is_dropped(bench: LinkBench) -> None:
    """Reported once, no result; the next good frame's result is its own."""
    for packet in _damaged(bench.frame(1)[0], random.Random(3)):
        await bench.send(packet)
        await bench.expect([BoardError(ErrorCode.BAD_CRC, PacketType.FRAME)])
        assert bench.dut.link_error.value == 1
        good, result = bench.frame(2)
        await bench.send(good)
        await bench.expect([result])
        assert bench.dut.link_error.value == 0


async def truncated_frame_is_dropped(bench: LinkBench) -> None:
    """Cut anywhere: reported after the timeout, and the next good frame is taken whole."""
    packet, _ = bench.frame(3)
    for length in (1, 3, len(packet) // 2, len(packet) - 1):
        await bench.send(packet[:length])
        await bench.idle(TIMEOUT + 10 * DIVISOR)
        await bench.expect([BoardError(ErrorCode.TRUNCATED, PacketType.FRAME if length > 1 else 0)])
        good, result = bench.frame(length)
        await bench.send(good)
        await bench.expect([result])


async def noise_and_missing_stop_bit(bench: LinkBench) -> None:
    """Bytes between packets are ignored; a byte without a stop bit spoils its packet only."""
    await bench.send(bytes([0x00, 0xFF, 0x5A]))
    first, result = bench.frame(4)
    await bench.send(first)
    await bench.expect([result])
    packet, _ = bench.frame(5)
    await bench.send(packet[:6], stop=0)
    await bench.idle(DIVISOR)
    await bench.send(packet[6:])
    await bench.expect([BoardError(ErrorCode.FRAMING, PacketType.FRAME)])
    good, result = bench.frame(6)
    await bench.send(good)
    await bench.expect([result])


async def reset_in_mid_packet(bench: LinkBench) -> None:
    """Half a packet, a reset, a whole one: only the whole one counts."""
    packet, _ = bench.frame(8)
    await bench.send(packet[: len(packet) // 2])
    bench.dut.rst.value = 1
    await bench.idle(1)
    bench.dut.rst.value = 0
    await bench.idle(DIVISOR)
    good, result = bench.frame(9)
    await bench.send(good)
    await bench.expect([result])


def _test(scenario: Callable[[LinkBench], Awaitable[None]]) -> Callable[[Any, int], Awaitable[None]]:
    async def run(dut: Any, seed: int) -> None:
        bench = LinkBench(dut, seed)
        await bench.start()
        await scenario(bench)

    return run


_SCENARIOS = (
    good_frames,
    corrupted_frame_is_dropped,
    truncated_frame_is_dropped,
    noise_and_missing_stop_bit,
    reset_in_mid_packet,
)

UNITS = (PinUnit("link", make_link, {scenario.__name__: _test(scenario) for scenario in _SCENARIOS}),)
