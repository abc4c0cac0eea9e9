"""A FIFO at the far end of a parallel port, in Amaranth's simulator: its times are its own, in cycles of the design."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from bnnhw.links.parallel.timing import Timing
from rtl_tests.streams import idle

__all__ = ["CYCLE", "FarEnd"]

CYCLE = 1e-6
"""Seconds per cycle of the design, as :func:`rtl_tests.streams.run` has it."""


class FarEnd:
    """Two queues behind the lines, and what the lines promise.

    Parameters
    ----------
    dut : component
        With the lines of :class:`~bnnhw.links.parallel.bus.ParallelBus`.
    timing : Timing
        Of the component.
    answer : float
        Cycles from a strobe to the byte, and from its end to the flag.
    ready : float
        Cycles from the end of a strobe until the flag is low again.
    phase : float
        Cycles before it begins.
    room : int
        Bytes that it takes.

    Attributes
    ----------
    waiting : list of int
        Bytes for the board.
    received : list of int
        Bytes from it.
    reads, writes : list of int
        The cycles in which strobes began.
    asks : list of tuple of int
        The cycle in which each request to send on began, and its length.
    """

    def __init__(
        self,
        dut: Any,
        timing: Timing,
        waiting: Sequence[int] = (),
        *,
        answer: float = 0.6,
        ready: float = 0.9,
        phase: float = 0.3,
        room: int = 1 << 30,
    ) -> None:
        self.dut, self.timing = dut, timing
        self.answer, self.ready, self.phase, self.room = answer, ready, phase, room
        self.waiting = list(waiting)
        self.received: list[int] = []
        self.reads: list[int] = []
        self.writes: list[int] = []
        self.asks: list[tuple[int, int]] = []
        self.background = (self._reading, self._writing, self._watch)

    async def _level(self, ctx: Any, line: Any, level: int) -> None:
        while ctx.get(line) != level:
            await ctx.changed(line)

    async def _after(self, ctx: Any, cycles: float) -> None:
        if cycles > 0:
            await ctx.delay(cycles * CYCLE)

    async def _reading(self, ctx: Any) -> None:
        dut, noise = self.dut, random.Random(1)
        await self._after(ctx, self.phase)
        while True:
            ctx.set(dut.d_i, noise.randrange(256))
            while not self.waiting:
                await self._after(ctx, 1)
            ctx.set(dut.rxf_n, 0)
            await self._level(ctx, dut.rd_n, 0)
            await self._after(ctx, self.answer)
            ctx.set(dut.d_i, self.waiting[0])
            await self._level(ctx, dut.rd_n, 1)
            self.waiting.pop(0)
            await self._after(ctx, self.answer)
            ctx.set(dut.d_i, noise.randrange(256))
            ctx.set(dut.rxf_n, 1)
            await self._after(ctx, self.ready - self.answer)

    async def _writing(self, ctx: Any) -> None:
        dut = self.dut
        await self._after(ctx, self.phase)
        while True:
            ctx.set(dut.txe_n, len(self.received) >= self.room)
            while len(self.received) >= self.room:
                await self._after(ctx, 1)
            ctx.set(dut.txe_n, 0)
            await self._level(ctx, dut.wr_n, 0)
            self.received.append(ctx.get(dut.d_o))
            await self._level(ctx, dut.wr_n, 1)
            await self._after(ctx, self.answer)
            ctx.set(dut.txe_n, 1)
            await self._after(ctx, self.ready - self.answer)

    async def _watch(self, ctx: Any) -> None:
        """What the lines promise, cycle by cycle, as registers see them."""
        dut, timing, cycle = self.dut, self.timing, 0
        lines = (dut.rd_n, dut.wr_n, dut.siwu_n, dut.driven, dut.d_o)
        before = (1, 1, 1, 0, 0)
        since = [0, 0, 0]
        while True:
            _, _, *seen = await ctx.tick().sample(*lines)
            now = tuple(seen)
            for number, starts in enumerate((self.reads, self.writes, None)):
                if before[number] and not now[number]:
                    since[number] = cycle
                    if starts is not None:
                        starts.append(cycle)
                if now[number] and not before[number]:
                    if starts is None:
                        self.asks.append((since[number], cycle - since[number]))
                    else:
                        assert cycle - since[number] == timing.strobe
            rd_n, wr_n, _, driven, byte = now
            assert rd_n or wr_n
            # Never both ends: not with a read, nor in the cycle before or behind it.
            assert not (driven and (not rd_n or not before[0]))
            # Still from a cycle before a write to a cycle behind it.
            if not wr_n or not before[1]:
                assert driven and before[3] and byte == before[4]
            before, cycle = now, cycle + 1

    async def until_read(self, ctx: Any) -> None:
        """Until the board has taken all bytes, and what follows the last of them."""
        while self.waiting:
            await idle(ctx, 1)
        await idle(ctx, self.timing.write + 4)
