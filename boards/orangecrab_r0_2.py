"""OrangeCrab r0.2: ECP5 25F or 85F, 48 MHz oscillator, USB straight into the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth_boards.orangecrab_r0_2 import OrangeCrabR0_2_25FPlatform, OrangeCrabR0_2_85FPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.dfu_util import DfuUtil
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["VARIANTS"]


def _board(size: str, platform: Callable[[], Any]) -> Board:
    return Board(
        name=f"orangecrab-r0-2-{size.lower()}",
        family=ECP5,
        part=ECP5.part(f"LFE5U-{size}"),
        package="CSFBGA285",
        oscillator="clk",
        oscillator_mhz=48.0,
        clock_mhz=80.0,
        links=("uart",),
        leds=(("rgb_led", 0, "r"), ("rgb_led", 0, "g")),
        platform=platform,
        place_route=("--speed", "8"),
        pins={"uart": {"rx": "io_0:0", "tx": "io_0:1"}},
        programmers=(
            DfuUtil(device="1209:5af0"),
            OpenFpgaLoader(options=("--board", "orangeCrab"), memories=("flash",)),
        ),
    )


VARIANTS = (_board("25F", OrangeCrabR0_2_25FPlatform), _board("85F", OrangeCrabR0_2_85FPlatform))
