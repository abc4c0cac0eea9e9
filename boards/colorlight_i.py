"""Colorlight i5 (7.0) and i9 (7.2): ECP5 25F and 45F, 25 MHz oscillator, on MuseLab's extension board with its probe.

Pins: ``litex_boards/platforms/colorlight_i5.py`` of litex-hub/litex-boards, which has them from
wuxx/Colorlight-FPGA-Projects; clock and lamps as in ``app/resources/boards/ColorLight-i5-v7.0`` and ``-i9-v7.2`` of
FPGAwars/icestudio.
"""

from __future__ import annotations

from typing import ClassVar

from amaranth.build import Attrs, Clock, Connector, Pins, Resource
from amaranth.vendor import LatticeECP5Platform
from amaranth_boards.resources import LEDResources, UARTResource

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.ecpdap import Ecpdap
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["VARIANTS", "ColorlightI5Platform", "ColorlightI9Platform"]

_ATTRS = Attrs(IO_TYPE="LVCMOS33")


def _resources(led: str) -> list[Resource]:
    return [
        Resource("clk25", 0, Pins("P3", dir="i"), Clock(25e6), _ATTRS),
        *LEDResources(pins=led, invert=True, attrs=_ATTRS),
        UARTResource(0, rx="H18", tx="J17", attrs=_ATTRS),
    ]


_CONNECTORS = [
    Connector("pmode", 0, "C17 B18 B20 F20 - - A18 A19 B19 D20 - -"),
    Connector("pmodf", 0, "D1 C1 C2 E3 - - E2 D2 B1 A3 - -"),
]


class ColorlightI5Platform(LatticeECP5Platform):
    """Pins of the i5."""

    device = "LFE5U-25F"
    package = "BG381"
    speed = "6"
    default_clk = "clk25"
    resources = _resources("U16")
    connectors: ClassVar[list[Connector]] = _CONNECTORS


class ColorlightI9Platform(LatticeECP5Platform):
    """Pins of the i9."""

    device = "LFE5U-45F"
    package = "BG381"
    speed = "6"
    default_clk = "clk25"
    resources = _resources("L2")
    connectors: ClassVar[list[Connector]] = _CONNECTORS


def _board(name: str, part: str, platform: type[LatticeECP5Platform]) -> Board:
    return Board(
        name=name,
        family=ECP5,
        part=ECP5.part(part),
        package="CABGA381",
        oscillator="clk25",
        oscillator_mhz=25.0,
        clock_mhz=80.0,
        links=("uart",),
        leds=(("led", 0),),
        platform=platform,
        place_route=("--speed", "6"),
        programmers=(OpenFpgaLoader(options=("--board", name), flash_options=("--unprotect-flash",)), Ecpdap()),
        note="the probe can be a slower serial port than 1 Mbaud",
    )


VARIANTS = (
    _board("colorlight-i5", "LFE5U-25F", ColorlightI5Platform),
    _board("colorlight-i9", "LFE5U-45F", ColorlightI9Platform),
)
