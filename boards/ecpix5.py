"""ECPIX-5: ECP5-5G 45F or 85F, 100 MHz oscillator, FT2232H."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth_boards.ecpix5 import ECPIX545Platform, ECPIX585Platform

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["VARIANTS"]


def _board(size: str, platform: Callable[[], Any]) -> Board:
    return Board(
        name=f"ecpix5-{size.lower()}",
        family=ECP5,
        part=ECP5.part(f"LFE5UM5G-{size}"),
        package="CABGA554",
        oscillator="clk100",
        oscillator_mhz=100.0,
        clock_mhz=80.0,
        links=("uart",),
        leds=(("rgb_led", 0, "r"), ("rgb_led", 0, "g")),
        platform=platform,
        place_route=("--speed", "8"),
        bridge_baud=12_000_000,
        programmers=(OpenFpgaLoader(options=("--board", "ecpix5")),),
        note="revision 3 has an FT4232H, for which openFPGALoader needs --board ecpix5_r03",
    )


VARIANTS = (_board("45F", ECPIX545Platform), _board("85F", ECPIX585Platform))
