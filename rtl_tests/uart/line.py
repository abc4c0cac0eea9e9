"""Bytes on a serial line."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Signal

from rtl_tests.streams import idle


def line_bits(values: bytes, stop: int = 1) -> list[int]:
    """The bits of bytes on a serial line."""
    return [bit for value in values for bit in (0, *((value >> i) & 1 for i in range(8)), stop)]


async def drive_line(ctx: Any, line: Signal, divisor: int, values: bytes, stop: int = 1) -> None:
    for bit in line_bits(values, stop):
        ctx.set(line, bit)
        await idle(ctx, divisor)
    ctx.set(line, 1)


async def read_line(ctx: Any, line: Signal, divisor: int) -> int:
    """One byte of a serial line, checked: every bit lasts its time, the stop bit is there."""
    while ctx.get(line):
        await ctx.tick()
    bits = []
    for _ in range(10):
        samples = []
        for _ in range(divisor):
            samples.append(ctx.get(line))
            await ctx.tick()
        assert len(set(samples)) == 1, "a bit changed within its time"
        bits.append(samples[0])
    assert bits[0] == 0 and bits[9] == 1
    return sum(bit << i for i, bit in enumerate(bits[1:9]))
