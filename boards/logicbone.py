"""Logicbone: ECP5-5G 45F or 85F, 25 MHz oscillator, USB straight into the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth_boards.logicbone import Logicbone85FPlatform, LogicbonePlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.dfu_util import DfuUtil

__all__ = ["VARIANTS"]


def _board(size: str, platform: Callable[[], Any]) -> Board:
    return Board(
        name=f"logicbone-{size.lower()}",
        family=ECP5,
        part=ECP5.part(f"LFE5UM5G-{size}"),
        package="CABGA381",
        oscillator="refclk",
        oscillator_mhz=25.0,
        clock_mhz=80.0,
        links=("uart",),
        leds=(("led", 0), ("led", 1)),
        platform=platform,
        place_route=("--speed", "8"),
        pins={"uart": {"rx": "P9_0:12", "tx": "P9_0:13"}},
        programmers=(DfuUtil(device="1d50:615d"),),
    )


VARIANTS = (_board("45F", LogicbonePlatform), _board("85F", Logicbone85FPlatform))
