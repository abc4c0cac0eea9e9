"""iCESugar: iCE40 UltraPlus 5K, 12 MHz from its probe iCELink, which is the serial port too."""

from __future__ import annotations

from amaranth_boards.icesugar import ICESugarPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.icesprog import Icesprog

__all__ = ["ICESUGAR"]

ICESUGAR = Board(
    name="icesugar",
    family=ICE40,
    part=ICE40.part("iCE40UP5K"),
    package="SG48",
    oscillator="clk12",
    oscillator_mhz=12.0,
    clock_mhz=30.0,
    links=("uart",),
    leds=(("led_r", 0), ("led_g", 0)),
    platform=ICESugarPlatform,
    programmers=(Icesprog(),),
    note="the probe can be a slower serial port than 1 Mbaud",
)
