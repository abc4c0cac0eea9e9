"""An SPI master in Amaranth's simulator, whose clock knows nothing of the design's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["CYCLE", "Master"]

CYCLE = 1e-6
"""Seconds per cycle of the design, as :func:`rtl_tests.streams.run` has it."""


class Master:
    """Mode 0, bytes most significant bit first.

    Parameters
    ----------
    dut : component
        With ``sck``, ``cs_n``, ``mosi`` and ``miso``.
    ratio : float
        Cycles of SCK per cycle of the design.
    phase : float
        Cycles of the design that pass before the first transaction.
    gap : float
        Cycles of the design for which ``cs_n`` is high between transactions.
    """

    def __init__(self, dut: Any, ratio: float, phase: float = 0.3, gap: float = 2.1) -> None:
        self.dut = dut
        self.half = CYCLE / ratio / 2
        self.phase = phase
        self.gap = gap
        self.begun = False

    async def bits(self, ctx: Any, values: Iterable[int]) -> list[int]:
        """A transaction of some bits: those that come back, each sampled with the rising edge that takes one."""
        if not self.begun:
            await ctx.delay(self.phase * CYCLE)
            self.begun = True
        dut, back = self.dut, []
        ctx.set(dut.cs_n, 0)
        for value in values:
            ctx.set(dut.mosi, value)
            await ctx.delay(self.half)
            back.append(ctx.get(dut.miso))
            ctx.set(dut.sck, 1)
            await ctx.delay(self.half)
            ctx.set(dut.sck, 0)
        await ctx.delay(self.half)
        ctx.set(dut.cs_n, 1)
        await ctx.delay(self.gap * CYCLE)
        return back

    async def transfer(self, ctx: Any, data: bytes) -> bytes:
        """A transaction: the bytes that come back."""
        back = await self.bits(ctx, [value >> bit & 1 for value in data for bit in reversed(range(8))])
        return bytes(sum(bit << 7 - n for n, bit in enumerate(back[at : at + 8])) for at in range(0, len(back), 8))
