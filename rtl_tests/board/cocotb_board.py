"""The cocotb tests at the pins of a board's top; pytest runs them through conftest.py."""

from __future__ import annotations

from typing import Any

import cocotb

from rtl_tests.board.top import RESET_CYCLES
from rtl_tests.uart import bench as link


async def _bench(dut: Any, seed: int) -> link.LinkBench:
    bench = link.LinkBench(dut, seed)
    await bench.start()
    await bench.idle(RESET_CYCLES)
    return bench


@cocotb.test()
async def board_good_frames(dut: Any) -> None:
    await link.good_frames(await _bench(dut, 1))


@cocotb.test()
async def board_corrupted_frame_is_dropped(dut: Any) -> None:
    await link.corrupted_frame_is_dropped(await _bench(dut, 2))
