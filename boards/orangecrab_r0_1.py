"""OrangeCrab r0.1: ECP5 25F, 48 MHz oscillator, USB straight into the device."""

from __future__ import annotations

from amaranth_boards.orangecrab_r0_1 import OrangeCrabR0_1Platform

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.dfu_util import DfuUtil

__all__ = ["ORANGECRAB_R0_1"]

ORANGECRAB_R0_1 = Board(
    name="orangecrab-r0-1",
    family=ECP5,
    part=ECP5.part("LFE5U-25F"),
    package="CSFBGA285",
    oscillator="clk",
    oscillator_mhz=48.0,
    clock_mhz=80.0,
    links=("uart",),
    leds=(("rgb_led", 0, "r"), ("rgb_led", 0, "g")),
    platform=OrangeCrabR0_1Platform,
    place_route=("--speed", "8"),
    pins={"uart": {"rx": "io_0:0", "tx": "io_0:1"}},
    programmers=(DfuUtil(device="1209:5af0"),),
)
