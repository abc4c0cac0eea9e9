"""Fomu, hacker edition: iCE40 UltraPlus 5K, 48 MHz oscillator, USB straight into the device."""

from __future__ import annotations

from amaranth_boards.fomu_hacker import FomuHackerPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.dfu_util import DfuUtil

__all__ = ["FOMU_HACKER"]

FOMU_HACKER = Board(
    name="fomu-hacker",
    family=ICE40,
    part=ICE40.part("iCE40UP5K"),
    package="UWG30",
    oscillator="clk48",
    oscillator_mhz=48.0,
    clock_mhz=24.0,
    links=("uart",),
    leds=(("rgb_led", 0, "r"), ("rgb_led", 0, "g")),
    platform=FomuHackerPlatform,
    pins={"uart": {"rx": "pin_0:1", "tx": "pin_1:1"}},
    programmers=(DfuUtil(device="1209:5bf0"),),
)
