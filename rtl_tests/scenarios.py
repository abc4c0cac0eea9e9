"""What every unit goes through: the rows of the matrix idle x stall x overflow x reset."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rtl_tests.bench import Bench

__all__ = ["SCENARIOS", "Scenario"]

Scenario = Callable[[Bench], Awaitable[None]]


async def full_speed(bench: Bench) -> None:
    """Neither side waits: interval and latency are exactly those of the cycle model."""
    unit = bench.unit
    bench.send(12)
    await bench.drain()
    for monitor in bench.monitors:
        words = len(monitor.offered) // 12
        ends = monitor.offered[words - 1 :: words]
        assert ends[0] - bench.drivers[0].accepted[0] == unit.latency
        # In steady state; the first frames find empty buffers.
        assert {b - a for a, b in zip(ends[5:], ends[6:], strict=False)} == {unit.interval}


async def random_gaps(bench: Bench) -> None:
    bench.offer(bench.paced(0.3))
    bench.send(60)
    await bench.drain()


async def random_stalls(bench: Bench) -> None:
    bench.take(bench.paced(0.3))
    bench.send(60)
    await bench.drain()


async def gaps_and_stalls(bench: Bench) -> None:
    for gap, stall in ((0.5, 0.5), (0.9, 0.2), (0.2, 0.9)):
        bench.offer(bench.paced(1 - gap))
        bench.take(bench.paced(1 - stall))
        bench.send(25)
        await bench.drain()


async def long_stall_then_drain(bench: Bench) -> None:
    """Nothing is taken until nothing more is accepted; then everything comes out."""
    unit = bench.unit
    words = len(unit.model.frame(bench.rng)) // len(unit.inputs)
    frames = 40 if unit.stored_words is None else unit.stored_words // words + 3
    bench.take(lambda: False)
    bench.send(frames)
    await bench.steps(frames * (unit.interval + words) + 4 * unit.latency)
    for driver in bench.drivers:
        accepted = len(driver.accepted)
        assert accepted < frames * words
        assert unit.stored_words in (accepted, None), f"{accepted} words were accepted"
    before = bench.accepted
    await bench.steps(unit.latency + unit.interval)
    assert (bench.accepted, bench.taken) == (before, 0)
    bench.take(lambda: True)
    await bench.drain()


async def reset_in_mid_frame(bench: Bench) -> None:
    """After a reset in any cycle of a run, whatever was inside is gone and the next frames are whole."""
    unit = bench.unit
    span = unit.latency + 2 * unit.interval
    for length in bench.rng.sample(range(1, span + 12), min(40, span)):
        bench.offer(bench.paced(0.8))
        bench.take(bench.paced(0.6))
        bench.send(4)
        await bench.steps(length)
        await bench.reset()
        taken = bench.taken
        await bench.steps(unit.latency + 4)
        assert bench.taken == taken, "a word of before the reset came out after it"
        bench.send(2)
        await bench.drain()


SCENARIOS: dict[str, Scenario] = {
    f.__name__: f
    for f in (full_speed, random_gaps, random_stalls, gaps_and_stalls, long_stall_then_drain, reset_in_mid_frame)
}
