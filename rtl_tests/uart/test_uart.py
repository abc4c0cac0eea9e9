"""The serial port, on a line with other clocks than ours, with glitches, breaks and missing stop bits."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bnnhw.errors import RequestError
from bnnhw.links.uart.uart import UartRx, UartTx, baud_divisor
from rtl_tests.streams import idle, receive, run, send
from rtl_tests.uart.line import drive_line, read_line

BYTES = bytes([0x00, 0xFF, 0x55, 0xA5, 0x01, 0x80])


@pytest.mark.parametrize("divisor", [1, 2, 8, 13])
@pytest.mark.parametrize("gap", [0, 5])
def test_tx(divisor: int, gap: int) -> None:
    dut = UartTx(divisor)
    received: list[int] = []

    async def source(ctx: Any) -> None:
        await send(ctx, dut.input, BYTES, gap)

    async def line(ctx: Any) -> None:
        for _ in BYTES:
            received.append(await read_line(ctx, dut.tx, divisor))

    run(dut, source, line)
    assert bytes(received) == BYTES


def test_tx_interval() -> None:
    """Bytes are accepted every 10 bit times, and the line is idle between them for one cycle only."""
    dut = UartTx(4)
    accepted: list[int] = []

    async def source(ctx: Any) -> None:
        ctx.set(dut.input.valid, 1)
        for cycle in range(200):
            _, _, ready = await ctx.tick().sample(dut.input.ready)
            if ready:
                accepted.append(cycle)

    run(dut, source)
    assert {b - a for a, b in zip(accepted, accepted[1:], strict=False)} == {10 * 4 + 1}


@pytest.mark.parametrize("divisor", [8, 9, 26])
def test_rx(divisor: int) -> None:
    dut = UartRx(divisor)
    received: list[Any] = []

    async def line(ctx: Any) -> None:
        await drive_line(ctx, dut.rx, divisor, BYTES)

    async def sink(ctx: Any) -> None:
        received.extend(await receive(ctx, dut.output, len(BYTES)))

    run(dut, line, sink)
    assert [(word.data, word.framing_error) for word in received] == [(value, 0) for value in BYTES]


def test_rx_latency() -> None:
    divisor = 9
    dut = UartRx(divisor)
    seen: list[int] = []

    async def line(ctx: Any) -> None:
        await drive_line(ctx, dut.rx, divisor, b"\x5a")

    async def watch(ctx: Any) -> None:
        cycle = 0
        while not ctx.get(dut.output.valid):
            await ctx.tick()
            cycle += 1
        seen.append(cycle)

    run(dut, line, watch)
    assert seen == [3 + divisor // 2 + 9 * divisor]


@pytest.mark.parametrize("bit_time", [15.4, 16.6])
def test_rx_of_a_faster_and_a_slower_end(bit_time: float) -> None:
    """Four per cent off either way."""
    dut = UartRx(16)
    received: list[Any] = []
    bits = [bit for value in BYTES for bit in (0, *((value >> i) & 1 for i in range(8)), 1)]

    async def line(ctx: Any) -> None:
        for cycle in range(int(len(bits) * bit_time)):
            ctx.set(dut.rx, bits[int(cycle / bit_time)])
            await ctx.tick()

    async def sink(ctx: Any) -> None:
        received.extend(await receive(ctx, dut.output, len(BYTES)))

    run(dut, line, sink)
    assert [(word.data, word.framing_error) for word in received] == [(value, 0) for value in BYTES]


def test_rx_glitch_break_and_missing_stop_bit() -> None:
    dut = UartRx(8)
    received: list[Any] = []

    async def line(ctx: Any) -> None:
        ctx.set(dut.rx, 0)
        await idle(ctx, 3)
        ctx.set(dut.rx, 1)
        await idle(ctx, 20)
        await drive_line(ctx, dut.rx, 8, b"\x12", stop=0)
        await idle(ctx, 8)
        await drive_line(ctx, dut.rx, 8, b"\x34")
        # A break: low for thirty bits is one damaged byte, not three.
        ctx.set(dut.rx, 0)
        await idle(ctx, 30 * 8)
        ctx.set(dut.rx, 1)
        await idle(ctx, 8)
        await drive_line(ctx, dut.rx, 8, b"\x56")

    async def sink(ctx: Any) -> None:
        received.extend(await receive(ctx, dut.output, 4))

    run(dut, line, sink)
    assert [(w.data, w.framing_error) for w in received] == [(0x12, 1), (0x34, 0), (0, 1), (0x56, 0)]


def test_rx_overrun_keeps_the_first_byte() -> None:
    dut = UartRx(8)
    overruns = 0
    received: list[Any] = []

    async def line(ctx: Any) -> None:
        await drive_line(ctx, dut.rx, 8, b"\x11\x22")
        await idle(ctx, 8)
        received.extend(await receive(ctx, dut.output, 1))
        await drive_line(ctx, dut.rx, 8, b"\x33")
        received.extend(await receive(ctx, dut.output, 1))

    async def count(ctx: Any) -> None:
        nonlocal overruns
        while True:
            _, _, overrun = await ctx.tick().sample(dut.overrun)
            overruns += overrun

    run(dut, line, background=[count])
    assert [w.data for w in received] == [0x11, 0x33]
    assert overruns == 1


@pytest.mark.parametrize(
    ("clock", "baud", "divisor"),
    [(12, 1_000_000, 12), (24, 115_200, 208), (80, 3_000_000, 27), (12, 1_500_000, 8), (12, 1, 12_000_000)],
)
def test_divisor(clock: float, baud: int, divisor: int) -> None:
    assert baud_divisor(clock, baud) == divisor


@pytest.mark.parametrize(
    ("clock", "baud", "message"),
    [
        (12, 3_000_000, "baud rate must be at most 1500000 at 12 MHz, not 3000000"),
        (12, 1_410_000, "baud rate must be within 2 % of 1500000 or 1333333 at 12 MHz, not 1410000"),
        (12, 0, "baud rate must be positive, not 0"),
    ],
)
def test_baud_out_of_reach(clock: float, baud: int, message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        baud_divisor(clock, baud)
