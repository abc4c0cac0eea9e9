"""Alhambra II: iCE40HX4K, 12 MHz oscillator, FT2232H.

Pins: ``app/resources/boards/alhambra-ii/pinout.pcf`` of FPGAwars/icestudio; litex-boards (``fpgawars_alhambra2.py``)
agrees.
"""

from __future__ import annotations

from amaranth.build import Attrs, Clock, Connector, Pins, Resource
from amaranth.vendor import LatticeICE40Platform
from amaranth_boards.resources import LEDResources, UARTResource

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.iceprog import Iceprog
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["ALHAMBRA_II", "AlhambraIIPlatform"]

_ATTRS = Attrs(IO_STANDARD="SB_LVCMOS")


class AlhambraIIPlatform(LatticeICE40Platform):
    """Pins of the board."""

    device = "iCE40HX4K"
    package = "TQ144"
    default_clk = "clk12"
    resources = [
        Resource("clk12", 0, Pins("49", dir="i"), Clock(12e6), Attrs(GLOBAL=True), _ATTRS),
        *LEDResources(pins="45 44 43 42 41 39 38 37", attrs=_ATTRS),
        UARTResource(0, rx="62", tx="61", attrs=_ATTRS),
    ]
    connectors = [
        # The digital pins of an Arduino, and its analog ones.
        Connector(
            "d",
            0,
            {
                str(i): pin
                for i, pin in enumerate(["2", "1", "4", "3", "8", "7", "10", "9", "20", "19", "22", "21", "63", "64"])
            },
        ),
        Connector("dd", 0, {str(i): pin for i, pin in enumerate(["114", "115", "116", "117", "118", "119"])}),
    ]


ALHAMBRA_II = Board(
    name="alhambra-ii",
    family=ICE40,
    part=ICE40.part("iCE40HX4K"),
    package="TQ144",
    oscillator="clk12",
    oscillator_mhz=12.0,
    clock_mhz=48.0,
    links=("uart",),
    leds=(("led", 0), ("led", 1)),
    platform=AlhambraIIPlatform,
    bridge_baud=12_000_000,
    programmers=(Iceprog(), OpenFpgaLoader(options=("--board", "ice40_generic"), memories=("flash",))),
)
