"""The cycles that the description of an AXI4-Stream promises, against the gateware at work."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.sim import Simulator

from bnnhw.dataflow.frame import Frame
from bnnhw.devices import technology
from bnnhw.links import Setting
from bnnhw.links.axi_stream import Axi
from bnnhw.links.axi_stream.gateware import AxiStream
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import emit
from rtl_tests.streams import run
from tests.build.networks import random_folded

FRAMES = 10


@pytest.mark.parametrize(
    "data_width, result_width, sizes, foldings",
    [
        # The accelerator is the slowest, the beats of a frame, those of a result.
        (8, None, [19, 8, 4], [(2, 5), (1, 4)]),
        (32, 16, [19, 8, 4], [(2, 5), (1, 4)]),
        (8, 8, [96, 4, 4], [(4, 48), (4, 4)]),
        (128, 8, [16, 3], [(3, 16)]),
    ],
)
def test_cycles(data_width: int, result_width: int | None, sizes: list[int], foldings: list[tuple[int, int]]) -> None:
    graph = random_folded(sizes, foldings).graph(technology("generic"))
    link = Axi(data_width, result_width)
    interface = link.interface(graph, Setting(sizes[-1], 0))
    accelerator: Any = Accelerator(graph)
    dut = AxiStream(accelerator, data_width=data_width, result_width=result_width)
    accepted: list[int] = []
    offered: list[int] = []
    assert dut.beats == interface.frame.count == -(-Frame.of(graph).bits // data_width)
    assert dut.result_beats == interface.result.count

    async def bench(ctx: Any) -> None:
        ctx.set(dut.s_axis_tvalid, 1)
        ctx.set(dut.m_axis_tready, 1)
        cycle = 0
        while len(offered) < FRAMES * interface.result.count:
            _, _, ready, valid, last = await ctx.tick().sample(dut.s_axis_tready, dut.m_axis_tvalid, dut.m_axis_tlast)
            if ready:
                accepted.append(cycle)
            if valid:
                offered.append(cycle)
                assert last == (len(offered) % interface.result.count == 0)
            cycle += 1

    run(dut, bench)
    firsts = offered[:: interface.result.count]
    assert firsts[0] - accepted[0] == interface.latency_cycles
    assert firsts[-1] - firsts[-2] == interface.cycles_per_frame


def test_its_own_clock_and_reset() -> None:
    """On ``aclk``; a low ``aresetn`` resets, as the description says: a frame that was begun is forgotten."""
    graph = random_folded([16, 3], [(3, 16)]).graph(technology("generic"))
    accelerator: Any = Accelerator(graph)
    link, setting = Axi(8), Setting(3, 0)
    dut: Any = link.gateware(accelerator, setting)
    said = link.interface(graph, setting).describe(12.0)
    assert (said["clock"]["port"], said["reset"]["port"], said["reset"]["active"]) == ("aclk", "aresetn", "low")
    counts: list[int] = []

    async def bench(ctx: Any) -> None:
        async def cycle() -> int:
            valid = ctx.get(dut.m_axis_tvalid)
            for level in (1, 0):
                ctx.set(dut.aclk, level)
                await ctx.delay(1e-6)
            return valid

        ctx.set(dut.m_axis_tready, 1)
        for reset in (False, True):
            # One of two beats, then perhaps a reset, then a frame: with what was begun it would be one and a half.
            ctx.set(dut.aresetn, 1)
            ctx.set(dut.s_axis_tvalid, 1)
            await cycle()
            ctx.set(dut.s_axis_tvalid, 0)
            ctx.set(dut.aresetn, not reset)
            await cycle()
            ctx.set(dut.aresetn, 1)
            ctx.set(dut.s_axis_tvalid, 1)
            await cycle()
            ctx.set(dut.s_axis_tvalid, 0)
            counts.append(sum([await cycle() for _ in range(40)]))

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()
    assert counts == [1, 0]


@pytest.mark.parametrize("hidden, due", [(8, 8 + 8), (255, 8 + 8), (300, 8 + 16)])
def test_a_beat_holds_a_result_in_whole_bytes(hidden: int, due: int) -> None:
    """Scores of up to 255 take a byte, of up to 300 two."""
    graph = random_folded([16, hidden, 4], [(4, 4), (2, 15 if hidden > 8 else 4)]).graph(technology("generic"))
    accelerator: Any = Accelerator(graph)
    link, setting = Axi(), Setting(4, 0)
    dut: Any = link.gateware(accelerator, setting)
    assert len(dut.m_axis_tdata) == link.interface(graph, setting).result.width == due
    emit(dut, "accelerator_axis", "generic")
