"""The frame buffer against a list of frames: nothing lost, doubled or mixed, and its stated timing."""

from __future__ import annotations

from typing import Any

import pytest

from bnnhw.links.packets.buffer import FrameBuffer
from rtl_tests.streams import idle, receive, run


async def write(ctx: Any, dut: FrameBuffer, frame: bytes, commit: bool) -> bool:
    """Writes a frame; returns whether it was accepted."""
    ctx.set(dut.write, 1)
    for index, value in enumerate(frame):
        ctx.set(dut.index, index)
        ctx.set(dut.data, value)
        await ctx.tick()
    ctx.set(dut.write, 0)
    accepted = not ctx.get(dut.overrun)
    ctx.set(dut.commit, commit)
    await ctx.tick()
    ctx.set(dut.commit, 0)
    return accepted


def frame_of(number: int, size: int) -> bytes:
    return bytes((37 * number + 11 * i + 5) % 256 for i in range(size + 1))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 30])
@pytest.mark.parametrize("stall", [0, 1, 5])
def test_frames(size: int, stall: int) -> None:
    """Frames come out as they went in, those that were not committed and those without room do not."""
    dut = FrameBuffer(size)
    accepted: list[bytes] = []
    tags: list[int] = []
    values: list[int] = []

    async def source(ctx: Any) -> None:
        for number in range(12):
            frame = frame_of(number, size)
            commit = number % 3 != 1
            if await write(ctx, dut, frame, commit) and commit:
                accepted.append(frame)
        # What is left in the banks drains.
        await idle(ctx, (stall + 2) * 3 * (size + 1) + 20)

    async def tag_sink(ctx: Any) -> None:
        while True:
            tags.extend(await receive(ctx, dut.tags, 1, stall))

    async def sink(ctx: Any) -> None:
        while True:
            values.extend(await receive(ctx, dut.output, 1, stall))

    run(dut, source, background=[tag_sink, sink])
    assert len(accepted) >= 3
    assert bytes(tags) == bytes(frame[0] for frame in accepted)
    assert bytes(values) == b"".join(frame[1:] for frame in accepted)


def test_overrun_and_recovery() -> None:
    """Two banks: the third frame is refused, and once one has drained the fourth is taken."""
    dut = FrameBuffer(3)
    accepted: list[bool] = []
    values: list[int] = []
    frames = [frame_of(number, 3) for number in range(4)]

    async def source(ctx: Any) -> None:
        for frame in frames[:3]:
            accepted.append(await write(ctx, dut, frame, True))
        ctx.set(dut.tags.ready, 1)
        values.extend(await receive(ctx, dut.output, 3))
        accepted.append(await write(ctx, dut, frames[3], True))
        values.extend(await receive(ctx, dut.output, 6))

    run(dut, source)
    assert accepted == [True, True, False, True]
    assert bytes(values) == frames[0][1:] + frames[1][1:] + frames[3][1:]


def test_long_frame_does_not_reach_the_other_bank() -> None:
    dut = FrameBuffer(3)
    values: list[int] = []

    async def source(ctx: Any) -> None:
        assert await write(ctx, dut, b"\x01abc", True)
        assert await write(ctx, dut, bytes(range(100, 120)), False)
        assert await write(ctx, dut, b"\x02def", True)
        ctx.set(dut.tags.ready, 1)
        values.extend(await receive(ctx, dut.output, 6))

    run(dut, source)
    assert bytes(values) == b"abcdef"


def test_timing() -> None:
    """The tag two cycles after commit, the first byte three, then one per cycle and no bubble between frames."""
    size = 5
    dut = FrameBuffer(size)
    taken: list[int] = []

    async def source(ctx: Any) -> None:
        ctx.set(dut.output.ready, 0)
        await write(ctx, dut, frame_of(0, size), True)
        await write(ctx, dut, frame_of(1, size), True)
        ctx.set(dut.tags.ready, 1)
        ctx.set(dut.output.ready, 1)
        for cycle in range(3 * size):
            _, _, tag, value = await ctx.tick().sample(dut.tags.valid, dut.output.valid)
            if tag or value:
                taken.append(cycle)

    run(dut, source)
    assert taken == list(range(2 * (size + 1)))

    late: list[int] = []
    dut = FrameBuffer(size)

    async def latency(ctx: Any) -> None:
        ctx.set(dut.tags.ready, 1)
        await write(ctx, dut, frame_of(0, size), True)
        # The commit was in the cycle before this one.
        for cycle in range(1, 8):
            _, _, tag, value = await ctx.tick().sample(dut.tags.valid, dut.output.valid)
            if tag or (value and len(late) == 1):
                late.append(cycle)

    run(dut, latency)
    assert late == [2, 3]
