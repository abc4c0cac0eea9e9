"""iCEFUN: iCE40HX8K, 12 MHz oscillator, a microcontroller as programmer and serial port.

Pins: ``blinky/iceFUN.pcf`` of devantech/iceFUN; serial port and rows of pins:
``app/resources/boards/icefun/pinout.pcf`` of FPGAwars/icestudio, which agrees on the others. Its lamps are a matrix
of four columns and no lamps of ours.
"""

from __future__ import annotations

from amaranth.build import Attrs, Clock, Connector, Pins, Resource
from amaranth.vendor import LatticeICE40Platform
from amaranth_boards.resources import UARTResource

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.icefunprog import Icefunprog

__all__ = ["ICEFUN", "IceFunPlatform"]

_ATTRS = Attrs(IO_STANDARD="SB_LVCMOS")
_WEST = "A3 A2 A1 C3 D3 B1 C1 D1 E1 F3 G3 H3 J3 K3 M3 G1 H1 J1 L1 M1 N1 P1 P2 P3"
_EAST = "P8 P9 M9 P10 P14 - N14 L14 L12 H11 K14 K12 J12 H12 G14 G12 F14 F12 E14 E12 D14 D12 C14 C12 B14"


class IceFunPlatform(LatticeICE40Platform):
    """Pins of the board."""

    device = "iCE40HX8K"
    package = "CB132"
    default_clk = "clk12"
    resources = [
        Resource("clk12", 0, Pins("P7", dir="i"), Clock(12e6), Attrs(GLOBAL=True), _ATTRS),
        UARTResource(0, rx="P5", tx="P4", attrs=_ATTRS),
    ]
    connectors = [
        Connector("west", 0, _WEST),
        Connector("east", 0, {str(i): pin for i, pin in enumerate(_EAST.split(), 34) if pin != "-"}),
    ]


ICEFUN = Board(
    name="icefun",
    family=ICE40,
    part=ICE40.part("iCE40HX8K"),
    package="CB132",
    oscillator="clk12",
    oscillator_mhz=12.0,
    clock_mhz=48.0,
    links=("uart",),
    platform=IceFunPlatform,
    programmers=(Icefunprog(options=("/dev/ttyACM0",)),),
    note="programmed over its serial port, /dev/ttyACM0 here",
)
