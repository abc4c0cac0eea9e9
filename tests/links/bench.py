"""What the link's tests share: bytes on a line, drivers and monitors, an accelerator small enough to see through."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from amaranth.hdl import Elaboratable, Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

Testbench = Callable[[Any], Any]


def simulate(
    dut: Elaboratable, *testbenches: Testbench, background: Iterable[Testbench] = (), cycles: int = 200_000
) -> None:
    """Runs until every testbench but those in the background has ended; ``cycles`` clock cycles at most."""
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    for testbench in testbenches:
        simulator.add_testbench(testbench)
    for watcher in background:
        simulator.add_testbench(watcher, background=True)
    # Every clock edge is one step.
    for _ in range(2 * cycles):
        if not simulator.advance():
            return
    raise TimeoutError(f"no end after {cycles} cycles")


async def idle(ctx: Any, cycles: int) -> None:
    """Waits. (Not ``repeat``: its generator can't be closed while a background testbench is suspended in it.)"""
    for _ in range(cycles):
        await ctx.tick()


async def until(ctx: Any, condition: Any, value: Any = None) -> Any:
    """Waits for the first edge at which the condition holds; returns what the value is there."""
    while True:
        _, _, holds, seen = await ctx.tick().sample(condition, condition if value is None else value)
        if holds:
            return seen


async def send(ctx: Any, port: Any, words: Iterable[Any], gap: int = 0) -> None:
    """Offers words on a stream, ``gap`` idle cycles after each."""
    for word in words:
        ctx.set(port.payload, word)
        ctx.set(port.valid, 1)
        await until(ctx, port.ready)
        ctx.set(port.valid, 0)
        await idle(ctx, gap)


async def receive(ctx: Any, port: Any, count: int, stall: int = 0) -> list[Any]:
    """Takes words from a stream, ``stall`` cycles late each, and checks that a word holds while it waits."""
    words = []
    for _ in range(count):
        if stall:
            ctx.set(port.ready, 0)
            word = await until(ctx, port.valid, port.payload)
            for _ in range(stall):
                _, _, valid, held = await ctx.tick().sample(port.valid, port.payload)
                assert valid and held == word
        ctx.set(port.ready, 1)
        words.append(await until(ctx, port.valid, port.payload))
    ctx.set(port.ready, 0)
    return words


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


class SumAccelerator(wiring.Component):
    """The sum of a frame's words, less ``bias``, as score, and its two lowest bits as class.

    Any frame that is damaged, shifted or mixed with another one changes the result.
    """

    def __init__(self, input_width: int, frame_bits: int, bias: int = 0, pause: int = 0) -> None:
        self.input_width = input_width
        self.frame_bits = frame_bits
        self.input_words = -(-frame_bits // input_width)
        self.bias = bias
        self.pause = pause
        self.layout = data.StructLayout({"index": 2, "score": signed(20)})
        super().__init__({"input": In(stream.Signature(input_width)), "output": Out(stream.Signature(self.layout))})

    def reference(self, frame: bytes) -> tuple[int, int]:
        """Class and score of a frame of packed bytes."""
        value = int.from_bytes(frame, "little") & ((1 << self.frame_bits) - 1)
        padding = self.input_words * self.input_width - self.frame_bits
        value |= ((1 << padding) - 1) << self.frame_bits
        mask = (1 << self.input_width) - 1
        score = sum((i + 1) * ((value >> (i * self.input_width)) & mask) for i in range(self.input_words)) - self.bias
        return score & 3, score

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word = Signal(range(self.input_words + 1))
        total = Signal(signed(20))
        wait = Signal(range(self.pause + 2))
        full = Signal()
        m.d.comb += self.input.ready.eq(~full)
        with m.If(self.input.valid & self.input.ready):
            m.d.sync += [total.eq(total + self.input.payload * (word + 1)), word.eq(word + 1)]
            with m.If(word == self.input_words - 1):
                m.d.sync += [full.eq(1), wait.eq(self.pause)]
        with m.If(full & (wait != 0)):
            m.d.sync += wait.eq(wait - 1)
        m.d.comb += [
            self.output.valid.eq(full & (wait == 0)),
            self.output.payload.score.eq(total - self.bias),
            self.output.payload.index.eq(total - self.bias),
        ]
        with m.If(self.output.valid & self.output.ready):
            m.d.sync += [full.eq(0), word.eq(0), total.eq(0)]
        return m
