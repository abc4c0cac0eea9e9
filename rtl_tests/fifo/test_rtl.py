# amaranth: UnusedElaboratable=no
"""Queues: order, room, full speed; and the credits that keep a pipeline which can't stop from pouring over."""

from __future__ import annotations

import random
from typing import Any

import pytest

from bnnhw.rtl.fifo import CreditedOutput, Fifo
from rtl_tests.storage import register_bits
from rtl_tests.streams import Driver, Monitor, Run, differences, run, simulate

DEPTHS = [1, 2, 3, 5]

both = pytest.mark.parametrize("unary", [False, True])


@both
@pytest.mark.parametrize("depth", DEPTHS)
def test_fifo(depth: int, unary: bool) -> None:
    words = random.Random(depth).choices(range(256), k=40)

    async def scenario(bench: Run) -> None:
        # Full speed: latency 1; every cycle a word, every other one at depth 1.
        driver, monitor = Driver(words), Monitor(len(words))
        await bench.stream(driver, monitor)
        assert monitor.words == words
        assert monitor.offered == [cycle + 1 for cycle in driver.accepted]
        assert set(differences(driver.accepted)) == {2 if depth == 1 else 1}
        # Every mix of gaps and stalls.
        for gap in (0, 0.3, 0.8):
            for stall in (0.3, 0.8):
                driver, monitor = Driver(words, gap), Monitor(len(words), stall)
                await bench.stream(driver, monitor)
                assert monitor.words == words
        # Deaf: holds exactly its depth, then gives all.
        driver, monitor = Driver(words), Monitor(len(words), deaf=20)
        await bench.stream(driver, monitor)
        assert sum(cycle < 20 for cycle in driver.accepted) == depth
        assert monitor.words == words
        # Reset empties it.
        await bench.stream(Driver(words), Monitor(0x7FFF, deaf=9), cycles=9)
        await bench.reset()
        driver, monitor = Driver(words), Monitor(len(words), 0.5)
        await bench.stream(driver, monitor)
        assert monitor.words == words

    simulate(Fifo(8, depth, unary=unary), scenario)


@both
@pytest.mark.parametrize("depth", DEPTHS)
def test_fifo_level(depth: int, unary: bool) -> None:
    dut = Fifo(4, depth, unary=unary)
    rng = random.Random(depth)
    levels = set()

    async def testbench(ctx: Any) -> None:
        held = 0
        for _ in range(150):
            ctx.set(dut.input.valid, rng.random() < 0.6)
            ctx.set(dut.output.ready, rng.random() < 0.4)
            ports = (dut.level, dut.input.valid, dut.input.ready, dut.output.valid, dut.output.ready)
            _, _, level, push, fits, there, pop = await ctx.tick().sample(*ports)
            assert level == held
            assert there == (held > 0)
            assert fits == (held < depth)
            held += (push and fits) - (there and pop)
            levels.add(level)

    run(dut, testbench)
    assert levels == set(range(depth + 1))


@pytest.mark.parametrize("depth", DEPTHS)
def test_fifo_storage(depth: int) -> None:
    assert register_bits(Fifo(8, depth)) == 8 * depth + depth.bit_length() + (depth > 1)
    assert register_bits(Fifo(8, depth, unary=True)) == 8 * depth + depth


def test_fifo_error() -> None:
    with pytest.raises(ValueError, match=r"^depth must be positive, not 0$"):
        Fifo(8, 0)


class Pipeline:
    """What begins words when it may, and pushes each ``latency - 1`` cycles later, whatever happens."""

    def __init__(self, dut: CreditedOutput, latency: int, interval: int, seed: int) -> None:
        self.dut = dut
        self.latency = latency
        self.interval = interval
        self.rng = random.Random(seed)
        self.begun: list[int] = []
        self.taken: list[int] = []
        self.cycle = 0

    async def cycles(self, ctx: Any, count: int, stall: float) -> None:
        """Some cycles; word i carries i. Fails if more are pending than the queue holds, or one comes out of turn."""
        dut = self.dut
        for _ in range(count):
            due = not self.begun or self.cycle - self.begun[-1] >= self.interval
            begin = bool(due and ctx.get(dut.grant))
            push = [i for i, cycle in enumerate(self.begun) if cycle + self.latency - 1 == self.cycle]
            if begin:
                self.begun.append(self.cycle)
                if self.latency == 1:
                    push = [len(self.begun) - 1]
            ctx.set(dut.begin, begin)
            ctx.set(dut.push, bool(push))
            ctx.set(dut.payload, push[0] if push else self.rng.getrandbits(8))
            ctx.set(dut.output.ready, self.rng.random() >= stall)
            ports = (dut.output.valid, dut.output.ready, dut.output.payload)
            _, _, valid, ready, payload = await ctx.tick().sample(*ports)
            assert len(self.begun) - len(self.taken) <= dut.depth, "more begun than there is room for"
            if valid:
                assert payload == len(self.taken), "lost, doubled or invented"
            if valid and ready:
                self.taken.append(self.cycle)
            self.cycle += 1


def begun(depth: int, latency: int, interval: int, unary: bool) -> list[int]:
    """The cycles in which a pipeline whose output is always taken begins its words."""
    dut = CreditedOutput(8, depth, unary=unary)
    pipeline = Pipeline(dut, latency, interval, seed=depth)

    async def testbench(ctx: Any) -> None:
        await pipeline.cycles(ctx, 40, stall=0)

    run(dut, testbench)
    # From push to output takes a cycle, and so from begin to output the pipeline's latency.
    assert pipeline.taken == [cycle + latency for cycle in pipeline.begun if cycle + latency < 40]
    return pipeline.begun


@both
@pytest.mark.parametrize("latency, interval", [(1, 1), (2, 1), (5, 1), (5, 3), (4, 5), (9, 4)])
def test_credits(latency: int, interval: int, unary: bool) -> None:
    """ceil((latency + 1) / interval) words never slow a pipeline down; with one fewer, they do."""
    enough = -(-(latency + 1) // interval)
    assert set(differences(begun(enough, latency, interval, unary))) == {interval}
    if enough > 1:
        assert max(differences(begun(enough - 1, latency, interval, unary))) > interval


@both
@pytest.mark.parametrize("latency", [1, 3, 6])
@pytest.mark.parametrize("depth", DEPTHS)
def test_credits_never_pour_over(depth: int, latency: int, unary: bool) -> None:
    dut = CreditedOutput(8, depth, unary=unary)
    pipeline = Pipeline(dut, latency, 1, seed=depth)

    async def testbench(ctx: Any) -> None:
        for stall in (0.5, 0.9, 0.1, 1):
            await pipeline.cycles(ctx, 40, stall)
        # Deaf for long: exactly as many begun as there is room for. Then everything drains.
        assert len(pipeline.begun) - len(pipeline.taken) == depth
        begun = len(pipeline.begun)
        pipeline.interval = 1 << 20
        await pipeline.cycles(ctx, depth + 1, stall=0)
        assert len(pipeline.taken) == begun == len(pipeline.begun)

    run(dut, testbench)


def test_credited_storage() -> None:
    """The queue and the bit that says whether it holds any, the count of credits, and the bit that says so of them."""
    assert register_bits(CreditedOutput(6, 4)) == (6 * 4 + 3 + 1) + 3 + 1
    assert register_bits(CreditedOutput(6, 4, unary=True)) == (6 * 4 + 4) + 4
