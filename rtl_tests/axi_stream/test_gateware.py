"""The AXI4-Stream link: frames in beats of whole bytes, results in beats of whole bytes, TLAST checked."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from amaranth.hdl import Cat

from bnnhw.errors import RequestError
from bnnhw.links.axi_stream import Axi
from bnnhw.links.axi_stream.gateware import AxiStream
from rtl_tests.packets.accelerator import SumAccelerator
from rtl_tests.streams import idle, run, until


def exchange(
    accelerator: SumAccelerator,
    data_width: int,
    frames: list[bytes],
    gap: int,
    stall: int,
    wrong_last: int | None = None,
) -> tuple[list[int], int]:
    """Sends frames, takes a beat for each; returns the beats and ``frame_error`` at the end."""
    dut = AxiStream(accelerator, data_width=data_width)
    beats: list[int] = []
    errors: list[int] = []

    async def source(ctx: Any) -> None:
        for number, frame in enumerate(frames):
            value = int.from_bytes(frame, "little")
            for beat in range(dut.beats):
                ctx.set(dut.s_axis_tdata, (value >> (beat * data_width)) & ((1 << data_width) - 1))
                ctx.set(dut.s_axis_tlast, (beat == dut.beats - 1) != (wrong_last == number * dut.beats + beat))
                ctx.set(dut.s_axis_tvalid, 1)
                await until(ctx, dut.s_axis_tready)
                ctx.set(dut.s_axis_tvalid, 0)
                await idle(ctx, gap)

    async def sink(ctx: Any) -> None:
        for _ in frames:
            ctx.set(dut.m_axis_tready, 0)
            held = await until(ctx, dut.m_axis_tvalid, dut.m_axis_tdata)
            for _ in range(stall):
                _, _, valid, data = await ctx.tick().sample(dut.m_axis_tvalid, dut.m_axis_tdata)
                assert valid and data == held
            ctx.set(dut.m_axis_tready, 1)
            assert ctx.get(dut.m_axis_tlast) == 1
            beats.append(await until(ctx, dut.m_axis_tvalid, dut.m_axis_tdata))
        errors.append(ctx.get(dut.frame_error))

    run(dut, source, sink)
    return beats, errors[0]


def words(accelerator: SumAccelerator, frames: list[bytes]) -> list[int]:
    """What the beats must be: the class in one byte, the score sign-extended to three."""
    expected = [accelerator.reference(frame) for frame in frames]
    return [index | (score & 0xFFFFFF) << 8 for index, score in expected]


@pytest.mark.parametrize(("gap", "stall"), [(0, 0), (2, 0), (0, 3), (1, 2)])
@pytest.mark.parametrize(
    ("data_width", "input_width", "frame_bits"),
    [(8, 8, 24), (32, 8, 40), (8, 13, 37), (64, 16, 48), (16, 6, 96), (32, 16, 20)],
)
def test_results(data_width: int, input_width: int, frame_bits: int, gap: int, stall: int) -> None:
    # A bias makes scores negative, so that the sign extension shows.
    accelerator = SumAccelerator(input_width, frame_bits, bias=1 << (input_width - 1))
    generator = random.Random(frame_bits)
    frames = [generator.randbytes(-(-frame_bits // 8)) for _ in range(5)]
    beats, error = exchange(accelerator, data_width, frames, gap, stall)
    assert beats == words(accelerator, frames)
    assert error == 0


@pytest.mark.parametrize("wrong", [0, 1, 3])
def test_tlast_out_of_step_is_reported(wrong: int) -> None:
    accelerator = SumAccelerator(8, 32)
    frames = [bytes([1, 2, 3, 4])] * 2
    beats, error = exchange(accelerator, 16, frames, 0, 0, wrong_last=wrong)
    assert beats == words(accelerator, frames)
    assert error == 1


@pytest.mark.parametrize("field, words", [("data_width", "data width"), ("result_width", "result width")])
def test_widths_are_those_that_streams_have(field: str, words: str) -> None:
    message = f"{words} must be one of 8, 16, 32, 64, 128, 256, 512, 1024, not 12"
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        Axi().configured(**{field: 12})


@pytest.mark.parametrize("result_width", [8, 16, 64])
@pytest.mark.parametrize("stall", [0, 3])
def test_results_in_beats(result_width: int, stall: int) -> None:
    """A result of four bytes in beats of one, two and eight bytes: TLAST and TKEEP end each."""
    accelerator = SumAccelerator(8, 24, bias=128)
    frames = [bytes([n, 7 * n, 200]) for n in range(4)]
    dut = AxiStream(accelerator, data_width=8, result_width=result_width)
    beats: list[int] = []

    async def source(ctx: Any) -> None:
        for byte in b"".join(frames):
            ctx.set(dut.s_axis_tdata, byte)
            ctx.set(dut.s_axis_tvalid, 1)
            await until(ctx, dut.s_axis_tready)
            ctx.set(dut.s_axis_tvalid, 0)

    async def sink(ctx: Any) -> None:
        for _ in range(len(frames) * dut.result_beats):
            ctx.set(dut.m_axis_tready, 0)
            await idle(ctx, stall)
            ctx.set(dut.m_axis_tready, 1)
            beats.append(await until(ctx, dut.m_axis_tvalid, Cat(dut.m_axis_tdata, dut.m_axis_tlast, dut.m_axis_tkeep)))

    run(dut, source, sink)
    width = result_width // 8
    expected = []
    for word in words(accelerator, frames):
        data = word.to_bytes(4, "little")
        parts = [data[k : k + width] for k in range(0, 4, width)]
        expected += [
            int.from_bytes(part, "little")
            | (number == len(parts) - 1) << 8 * width
            | ((1 << len(part)) - 1) << 8 * width + 1
            for number, part in enumerate(parts)
        ]
    assert beats == expected
