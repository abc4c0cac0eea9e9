"""Cynthion r1.4: ECP5 12F, 60 MHz oscillator, the Apollo debug controller as programmer and serial port.

Pins: ``cynthion/python/src/gateware/platform/cynthion_r1_4.py`` of greatscottgadgets/cynthion; icestudio
(``app/resources/boards/Cynthion-r1.4/pinout.lpf``) agrees.
"""

from __future__ import annotations

from amaranth.build import Attrs, Clock, Connector, Pins, Resource
from amaranth.vendor import LatticeECP5Platform
from amaranth_boards.resources import LEDResources, UARTResource

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.apollo import Apollo

__all__ = ["CYNTHION", "CynthionPlatform"]

_ATTRS = Attrs(IO_TYPE="LVCMOS33")


class CynthionPlatform(LatticeECP5Platform):
    """Pins of the board."""

    device = "LFE5U-12F"
    package = "BG256"
    speed = "8"
    default_clk = "clk60"
    resources = [
        Resource("clk60", 0, Pins("A8", dir="i"), Clock(60e6), _ATTRS),
        *LEDResources(pins="E13 C13 B14 A15 D12 C11", invert=True, attrs=_ATTRS),
        # Shared with the JTAG lines TDI and TMS: the controller has one or the other.
        UARTResource(0, rx="R14", tx="T14", attrs=_ATTRS),
    ]
    connectors = [
        Connector("pmod", 0, "C9 B9 D11 C12 - - C8 D8 D9 C10 - -"),
        Connector("pmod", 1, "B4 B5 B6 B7 - - C5 A5 A6 A7 - -"),
        Connector(
            "mezzanine",
            0,
            "- - B8 A9 B10 A10 B11 D14 C14 F14 E14 G13 G12 - - - - C16 C15 B16 B15 A14 B13 A13 D13 A12 B12 A11 - -",
        ),
    ]


CYNTHION = Board(
    name="cynthion",
    family=ECP5,
    part=ECP5.part("LFE5U-12F"),
    package="CABGA256",
    oscillator="clk60",
    oscillator_mhz=60.0,
    clock_mhz=80.0,
    links=("uart",),
    leds=(("led", 0), ("led", 1)),
    platform=CynthionPlatform,
    place_route=("--speed", "8"),
    # As the project packs its own: the flash is read at this rate, in MHz.
    pack=("--freq", "38.8"),
    programmers=(Apollo(),),
)
