"""ULX3S: ECP5 12F, 25F, 45F or 85F, 25 MHz oscillator, FT231X."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth_boards.ulx3s import ULX3S_12F_Platform, ULX3S_25F_Platform, ULX3S_45F_Platform, ULX3S_85F_Platform

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["VARIANTS"]


def _board(size: str, platform: Callable[[], Any]) -> Board:
    return Board(
        name=f"ulx3s-{size.lower()}",
        family=ECP5,
        part=ECP5.part(f"LFE5U-{size}"),
        package="CABGA381",
        oscillator="clk25",
        oscillator_mhz=25.0,
        # The iCEBreaker's 64-128-64-10 network reaches 143 MHz on the 85F, speed grade 6.
        clock_mhz=80.0,
        links=("uart",),
        leds=(("led", 0), ("led", 1)),
        platform=platform,
        # GP and GN 0 to 6, row by row.
        pins={
            "parallel": {
                "d": "/".join(f"gpio_0:{row}{side}" for row in range(4) for side in "+-"),
                "rxf_n": "gpio_0:4+",
                "txe_n": "gpio_0:4-",
                "rd_n": "gpio_0:5+",
                "wr_n": "gpio_0:5-",
                "siwu_n": "gpio_0:6+",
            }
        },
        bridge_baud=3_000_000,
        programmers=(OpenFpgaLoader(options=("--board", "ulx3s")),),
        usual=True,
        place_route=("--speed", "6"),
    )


VARIANTS = (
    _board("12F", ULX3S_12F_Platform),
    _board("25F", ULX3S_25F_Platform),
    _board("45F", ULX3S_45F_Platform),
    _board("85F", ULX3S_85F_Platform),
)
