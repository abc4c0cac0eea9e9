"""iCESugar-nano: iCE40LP1K, 12 MHz from its probe iCELink, which is the serial port too."""

from __future__ import annotations

from amaranth_boards.icesugar_nano import ICESugarNanoPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.icesprog import Icesprog

__all__ = ["ICESUGAR_NANO"]

ICESUGAR_NANO = Board(
    name="icesugar-nano",
    family=ICE40,
    part=ICE40.part("iCE40LP1K"),
    package="CM36",
    oscillator="clk12",
    oscillator_mhz=12.0,
    # The package has no PLL.
    clock_mhz=12.0,
    links=("uart",),
    leds=(("led", 0),),
    platform=ICESugarNanoPlatform,
    programmers=(Icesprog(),),
    note="the probe can be a slower serial port than 1 Mbaud",
)
