"""The SPI slave under masters of every rate and phase: what it promises up to its fastest clock, and not beyond."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import ClockDomain

from bnnhw.links.spi.rate import CYCLES_PER_BYTE, GAP_CYCLES, IDLE, max_sck_hz
from bnnhw.links.spi.slave import SpiSlave
from rtl_tests.spi.master import CYCLE, Master
from rtl_tests.streams import idle, receive, run, send

FASTEST = 8 / CYCLES_PER_BYTE
"""Cycles of SCK per cycle of the design."""


def random_bytes(count: int, seed: int) -> bytes:
    """Without the idle byte: a master could not tell."""
    return bytes(random.Random(seed).choices([value for value in range(256) if value != IDLE], k=count))


class Exchange:
    """Transactions with a slave: what it received, what came back, and behind which byte each end was told.

    Parameters
    ----------
    sizes : tuple of int
        Bytes of each transaction.
    back : bytes
        What the design has to send.
    slow : int
        Cycles for which a received byte is not taken.
    """

    def __init__(
        self, sizes: tuple[int, ...], back: bytes, ratio: float, phase: float = 0.3, slow: int = 1, gap: float = 2.1
    ) -> None:
        self.dut = SpiSlave()
        self.there = random_bytes(sum(sizes), 1)
        self.master = Master(self.dut, ratio, phase, gap)
        self.sizes, self.sending, self.slow = sizes, back, slow
        self.received: list[int] = []
        self.back: list[bytes] = []
        self.ends: list[int] = []
        run(self.dut, self._host, background=[self._take, self._watch, self._send])

    async def _host(self, ctx: Any) -> None:
        at = 0
        for size in self.sizes:
            self.back.append(await self.master.transfer(ctx, self.there[at : at + size]))
            at += size
        await idle(ctx, 12)

    async def _take(self, ctx: Any) -> None:
        while True:
            self.received += await receive(ctx, self.dut.received, 1)
            await idle(ctx, self.slow)

    async def _watch(self, ctx: Any) -> None:
        while True:
            _, _, end = await ctx.tick().sample(self.dut.end)
            if end:
                self.ends.append(len(self.received))

    async def _send(self, ctx: Any) -> None:
        await send(ctx, self.dut.send, self.sending)

    @property
    def answered(self) -> bytes:
        """What came back, without what says that nothing did."""
        return bytes(value for back in self.back for value in back if value != IDLE)


@pytest.mark.parametrize("ratio", [0.3, 1.31, FASTEST - 0.05, FASTEST])
@pytest.mark.parametrize("phase", [0.05, 0.55])
def test_every_rate_and_phase(ratio: float, phase: float) -> None:
    """Each byte arrives once and in order, both ways, whatever lies between bytes that wait and the master's clock.

    One byte is taken two cycles late, as a packet's last one is.
    """
    sizes, back = (1, 2, 9, 20, 1, 3, 30), random_bytes(45, 2)
    seen = Exchange(sizes, back, ratio, phase)
    assert bytes(seen.received) == seen.there
    assert [answer[0] for answer in seen.back] == [IDLE] * len(sizes)
    assert seen.answered == back[: len(seen.answered)]
    # All of them, but for those whose place was an idle byte's: of each transaction the first.
    assert len(seen.answered) >= min(len(back), sum(sizes) - len(sizes) - 2)
    assert seen.ends == [sum(sizes[: n + 1]) for n in range(len(sizes))]


def test_a_faster_master_is_too_fast() -> None:
    """Half as fast again: the slave can't take what comes, and loses bytes, which a CRC tells."""
    seen = Exchange((40,), b"", 1.5 * FASTEST)
    assert bytes(seen.received) != seen.there


@pytest.mark.parametrize("clock_mhz, hertz", [(12.0, 24_000_000), (30.0, 60_000_000), (10.0, 20_000_000)])
def test_fastest_clock(clock_mhz: float, hertz: int) -> None:
    assert max_sck_hz(clock_mhz) == hertz


def test_nothing_is_lost_between_transactions() -> None:
    """A transaction ends behind every byte: the one that would have been next is the next one's."""
    back = random_bytes(12, 3)
    seen = Exchange((2,) * 14, back, 0.9)
    assert seen.answered == back
    assert all(len(answer) == 2 and answer[0] == IDLE for answer in seen.back)


def test_a_transaction_that_ends_within_a_byte() -> None:
    """What was received of it is dropped, what was being sent is lost, and the next transaction is whole."""
    dut = SpiSlave()
    master = Master(dut, 1.1)
    received: list[int] = []
    answers: list[bytes] = []

    async def host(ctx: Any) -> None:
        await master.bits(ctx, [1] * 13)
        answers.append(await master.transfer(ctx, b"\x12\x34\x56"))
        await idle(ctx, 8)

    async def take(ctx: Any) -> None:
        while True:
            received.extend(await receive(ctx, dut.received, 1))

    async def source(ctx: Any) -> None:
        await send(ctx, dut.send, b"\x91\x92\x93")

    run(dut, host, background=[take, source])
    assert received == [0xFF, 0x12, 0x34, 0x56]
    assert answers == [bytes([IDLE, 0x92, 0x93])]


def test_other_devices_on_the_lines() -> None:
    """SCK and MOSI of a transaction with somebody else change nothing, and MISO is not driven."""
    dut = SpiSlave()
    master = Master(dut, 1.3)
    received: list[int] = []
    driven: set[int] = set()

    async def host(ctx: Any) -> None:
        await master.transfer(ctx, b"\xc3")
        for bit in random.Random(4).choices((0, 1), k=50):
            ctx.set(dut.mosi, bit)
            for level in (1, 0):
                ctx.set(dut.sck, level)
                await ctx.delay(0.4 * CYCLE)
            driven.add(ctx.get(dut.selected))
        assert await master.transfer(ctx, b"\xaa\x55") == bytes([IDLE, 0x77])
        await idle(ctx, 8)

    async def take(ctx: Any) -> None:
        while True:
            received.extend(await receive(ctx, dut.received, 1))

    async def source(ctx: Any) -> None:
        await send(ctx, dut.send, b"\x77")

    run(dut, host, background=[take, source])
    assert received == [0xC3, 0xAA, 0x55]
    assert driven == {0}


def test_the_end_waits_for_the_last_byte() -> None:
    """Which may be taken late, as behind a packet."""
    seen = Exchange((3, 5), b"", 0.3, slow=6)
    assert seen.ends == [3, 8]


@pytest.mark.parametrize("phase", [n / 8 for n in range(8)])
def test_shortest_gap(phase: float) -> None:
    """Every end is told where ``cs_n`` is high for the cycles that it must be."""
    assert Exchange((1, 2, 1, 3), b"", FASTEST, phase, gap=GAP_CYCLES).ends == [1, 3, 4, 7]


@pytest.mark.parametrize("phase", [n / 8 for n in range(8)])
def test_latency_of_a_received_byte(phase: float) -> None:
    """Two to three cycles behind the edge that takes its last bit."""
    dut = SpiSlave()
    master = Master(dut, 0.25, phase)
    edges: list[int] = []
    offered: list[int] = []

    async def host(ctx: Any) -> None:
        await master.transfer(ctx, b"\x5a")

    async def watch(ctx: Any) -> None:
        rises, cycle, before = 0, 0, 0
        while True:
            _, _, sck, valid = await ctx.tick().sample(dut.sck, dut.received.valid)
            rises += sck and not before
            # The cycle whose edge was the first to see the last bit's edge.
            if rises == 8 and not edges:
                edges.append(cycle)
            if valid and not offered:
                offered.append(cycle)
            before, cycle = sck, cycle + 1

    run(dut, host, background=[watch])
    assert offered[0] - edges[0] == 2


def test_reset() -> None:
    """Between two transactions: no byte received comes twice, and what waited to be sent still comes, once."""
    dut = SpiSlave()
    master = Master(dut, 1.0)
    received: list[int] = []
    domain = ClockDomain("sync")
    answers: list[bytes] = []

    async def host(ctx: Any) -> None:
        await send(ctx, dut.send, b"\x61\x62\x63")
        await master.transfer(ctx, b"\x01\x11")
        ctx.set(domain.rst, 1)
        await idle(ctx, 1)
        ctx.set(domain.rst, 0)
        answers.append(await master.transfer(ctx, b"\x02\x03\x04\x05\x06"))
        await idle(ctx, 8)

    async def take(ctx: Any) -> None:
        while True:
            received.extend(await receive(ctx, dut.received, 1))

    run(dut, host, background=[take], domain=domain)
    assert received == [1, 0x11, 2, 3, 4, 5, 6]
    assert answers == [bytes([IDLE, 0x62, 0x63, IDLE, IDLE])]
