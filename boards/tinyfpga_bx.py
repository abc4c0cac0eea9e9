"""TinyFPGA BX: iCE40LP8K, 16 MHz oscillator, USB straight into the device."""

from __future__ import annotations

from amaranth_boards.tinyfpga_bx import TinyFPGABXPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.tinyprog import Tinyprog

__all__ = ["TINYFPGA_BX"]

TINYFPGA_BX = Board(
    name="tinyfpga-bx",
    family=ICE40,
    part=ICE40.part("iCE40LP8K"),
    package="CM81",
    oscillator="clk16",
    oscillator_mhz=16.0,
    clock_mhz=32.0,
    links=("uart",),
    leds=(("led", 0),),
    platform=TinyFPGABXPlatform,
    pins={"uart": {"rx": "gpio_0:2", "tx": "gpio_0:1"}},
    programmers=(Tinyprog(),),
)
