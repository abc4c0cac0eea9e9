"""The bus of a parallel port against far ends of every speed: what it promises within its times, and not beyond."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import ClockDomain

from bnnhw.links.parallel.bus import ParallelBus
from bnnhw.links.parallel.timing import ASK_CYCLES, Timing
from rtl_tests.parallel.far_end import FarEnd
from rtl_tests.streams import differences, idle, receive, run, send

TIMES = [Timing(1, 1, 1), Timing(1, 2, 1), Timing(2, 2, 2), Timing(5, 4, 6)]


def random_bytes(count: int, seed: int) -> list[int]:
    return random.Random(seed).choices(range(256), k=count)


class Exchange:
    """Bytes both ways: what each end received."""

    def __init__(self, timing: Timing, there: int, back: int, *, slow: int = 0, cycles: int = 0, **far: Any) -> None:
        self.dut = ParallelBus(timing)
        self.there, self.back = random_bytes(there, 1), random_bytes(back, 2)
        self.far = FarEnd(self.dut, timing, self.there, **far)
        self.slow = slow
        self.received: list[int] = []
        self.cycles = cycles or (there * timing.read + back * timing.write) * 2 + 60
        run(self.dut, self._wait, background=[*self.far.background, self._take, self._send])

    async def _wait(self, ctx: Any) -> None:
        await idle(ctx, self.cycles)

    async def _take(self, ctx: Any) -> None:
        while True:
            self.received += await receive(ctx, self.dut.received, 1)
            await idle(ctx, self.slow)

    async def _send(self, ctx: Any) -> None:
        await send(ctx, self.dut.send, self.back)


@pytest.mark.parametrize("timing", TIMES)
@pytest.mark.parametrize("phase", [0.05, 0.4, 0.8])
@pytest.mark.parametrize("part", [0.05, 0.95])
def test_every_byte_once(timing: Timing, phase: float, part: float) -> None:
    """In order, both ways at once, of far ends that answer at once or as late as they may."""
    answer = part * min(timing.strobe, timing.quiet)
    seen = Exchange(timing, 25, 25, answer=answer, ready=max(answer, part * timing.ready), phase=phase)
    assert seen.received == seen.there
    assert seen.far.received == seen.back


@pytest.mark.parametrize("timing", TIMES)
def test_cycles_per_byte(timing: Timing) -> None:
    """Each way alone, and both together: the lines are shared."""
    fast = {"answer": 0.3, "ready": timing.ready - 0.1}
    assert set(differences(Exchange(timing, 12, 0, **fast).far.reads)) == {timing.read}
    assert set(differences(Exchange(timing, 0, 12, **fast).far.writes)) == {timing.write}
    both = Exchange(timing, 12, 12, **fast).far
    assert set(differences(both.reads[:11])) == {timing.pair}
    assert timing.both(12, 12) == 12 * timing.pair
    assert timing.both(5, 3) == 3 * timing.pair + 2 * timing.read
    assert timing.both(3, 5) == 3 * timing.pair + 2 * timing.write
    # They take turns.
    order = sorted([(at, "in") for at in both.reads] + [(at, "out") for at in both.writes])
    assert [way for _, way in order] == ["in", "out"] * 12


def test_a_far_end_that_is_too_slow() -> None:
    """Its byte comes after the strobe, or its flag when it is looked at again: what is received is something else."""
    timing = Timing(2, 2, 2)
    late = Exchange(timing, 20, 0, answer=2.4, ready=4.4)
    assert late.received != late.there
    # The flag alone: a byte is taken once more, from a FIFO that has none.
    dut = ParallelBus(timing)
    received: list[int] = []

    async def host(ctx: Any) -> None:
        ctx.set(dut.rxf_n, 0)
        await idle(ctx, 2 + timing.strobe + timing.quiet + 2)
        ctx.set(dut.rxf_n, 1)
        await idle(ctx, 20)

    async def take(ctx: Any) -> None:
        while True:
            received.extend(await receive(ctx, dut.received, 1))

    run(dut, host, background=[take])
    assert len(received) == 2


def test_a_slower_far_end_is_waited_for() -> None:
    """As long as it likes, before a flag and within none of the times."""
    seen = Exchange(Timing(2, 2, 1), 10, 10, answer=1.5, ready=37.3, cycles=900)
    assert (seen.received, seen.far.received) == (seen.there, seen.back)


def test_a_byte_that_is_not_taken_holds_the_next() -> None:
    timing = Timing(1, 1, 1)
    seen = Exchange(timing, 12, 0, slow=40, cycles=600)
    assert seen.received == seen.there
    assert min(differences(seen.far.reads[1:])) >= 40


def test_a_full_far_end() -> None:
    """Nothing is written where there is no room, and reading goes on."""
    seen = Exchange(Timing(2, 2, 2), 20, 10, room=4, cycles=500)
    assert (seen.received, seen.far.received) == (seen.there, seen.back[:4])


@pytest.mark.parametrize("strobe", [1, 3])
def test_what_was_written_is_sent_on(strobe: int) -> None:
    """Once, behind the last byte, for as long as a strobe; a byte that comes meanwhile waits for its end."""
    timing = Timing(strobe, 1, 1)
    far = Exchange(timing, 0, 5).far
    assert far.asks == [(far.writes[-1] + ASK_CYCLES + 1, strobe)]
    dut = ParallelBus(timing)
    far = FarEnd(dut, timing)

    async def host(ctx: Any) -> None:
        for gap in (ASK_CYCLES, ASK_CYCLES + 1, ASK_CYCLES + 2, ASK_CYCLES + 3, 200):
            await send(ctx, dut.send, [7], gap=gap)

    run(dut, host, background=far.background)
    assert {length for _, length in far.asks} == {strobe} and len(far.asks) >= 3
    assert far.received == [7] * 5


@pytest.mark.parametrize("phase", [n / 8 for n in range(8)])
def test_latency(phase: float) -> None:
    """2 to 3 cycles from the flag to the strobe, by the phase; a byte is on its way two cycles after it is offered."""
    dut = ParallelBus(Timing(2, 1, 1))
    found: list[float] = []

    async def host(ctx: Any) -> None:
        await ctx.delay((4 + phase) * 1e-6)
        ctx.set(dut.rxf_n, 0)
        cycles = 0
        while ctx.get(dut.rd_n):
            await ctx.tick()
            cycles += 1
        found.append(cycles)
        ctx.set(dut.rxf_n, 1)
        ctx.set(dut.txe_n, 0)
        await idle(ctx, 12)
        ctx.set(dut.send.valid, 1)
        cycles = 0
        while ctx.get(dut.wr_n):
            await ctx.tick()
            cycles += 1
        found.append(cycles)

    run(dut, host)
    # Whole cycles are counted from the edge behind the flag's: 3 edges are 2 to 3 cycles.
    assert found == [3, 2]


def test_reset() -> None:
    """Strobes end, the lines are left alone, and bytes go on."""
    timing = Timing(3, 2, 2)
    dut = ParallelBus(timing)
    domain = ClockDomain("sync")
    received: list[int] = []

    async def host(ctx: Any) -> None:
        ctx.set(dut.rxf_n, 0)
        while ctx.get(dut.rd_n):
            await ctx.tick()
        ctx.set(domain.rst, 1)
        await ctx.tick()
        ctx.set(domain.rst, 0)
        assert (ctx.get(dut.rd_n), ctx.get(dut.wr_n), ctx.get(dut.driven)) == (1, 1, 0)
        ctx.set(dut.d_i, 0x5A)
        while not ctx.get(dut.received.valid):
            await ctx.tick()
        received.append(ctx.get(dut.received.payload))

    run(dut, host, domain=domain)
    assert received == [0x5A]


@pytest.mark.parametrize(
    "clock_mhz, strobe, quiet, ready, read, write",
    [(12.0, 1, 1, 1, 4, 5), (24.0, 2, 1, 2, 6, 7), (30.0, 2, 2, 2, 6, 7), (80.0, 5, 4, 6, 13, 14)],
)
def test_times_of_a_clock(clock_mhz: float, strobe: int, quiet: int, ready: int, read: int, write: int) -> None:
    """60, 40 and 63 ns in whole cycles; a byte takes the strobe, the longer of the others, and the synchronizer."""
    timing = Timing.of(clock_mhz, 60, 40, 63)
    assert timing == Timing(strobe, quiet, ready)
    assert (timing.read, timing.write) == (read, write)
    cycle = 1000 / clock_mhz
    assert strobe * cycle >= 60 and quiet * cycle >= 40
