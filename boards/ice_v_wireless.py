"""iCE-V Wireless: iCE40 UltraPlus 5K with an ESP32-C3, 12 MHz oscillator.

Pins: ``Gateware/factory_bitstream/src/bitstream.pcf`` of ICE-V-Wireless/ICE-V-Wireless; the PMODs are numbered as
there, 1 to 8 across both rows. litex-boards (``ice_v_wireless.py``) agrees on all pins but PMOD 1's eighth, where it
has 8, which is no I/O of the package.
"""

from __future__ import annotations

from amaranth.build import Attrs, Clock, Connector, Pins, Resource
from amaranth.vendor import LatticeICE40Platform
from amaranth_boards.resources import RGBLEDResource

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.send_c3usb import SendC3usb

__all__ = ["ICE_V_WIRELESS", "IceVWirelessPlatform"]

_ATTRS = Attrs(IO_STANDARD="SB_LVCMOS")


class IceVWirelessPlatform(LatticeICE40Platform):
    """Pins of the board."""

    device = "iCE40UP5K"
    package = "SG48"
    default_clk = "clk12"
    resources = [
        Resource("clk12", 0, Pins("35", dir="i"), Clock(12e6), Attrs(GLOBAL=True), _ATTRS),
        RGBLEDResource(0, r="39", g="40", b="41", invert=True, attrs=_ATTRS),
    ]
    connectors = [
        Connector("pmod", 1, "19 18 12 21 11 10 9 6"),
        Connector("pmod", 2, "4 3 48 45 47 44 46 2"),
        Connector("pmod", 3, "42 38 43 36 32 31 13 20"),
    ]


ICE_V_WIRELESS = Board(
    name="ice-v-wireless",
    family=ICE40,
    part=ICE40.part("iCE40UP5K"),
    package="SG48",
    oscillator="clk12",
    oscillator_mhz=12.0,
    clock_mhz=30.0,
    links=("uart",),
    leds=(("rgb_led", 0, "r"), ("rgb_led", 0, "g")),
    platform=IceVWirelessPlatform,
    # Where the factory's bitstream has its serial port.
    pins={"uart": {"rx": "pmod_2:7", "tx": "pmod_3:1"}},
    programmers=(SendC3usb(),),
)
