"""pico-ice: iCE40 UltraPlus 5K with an RP2040, which gives its clock and is its serial port.

Pins: ``rtl/pico_ice.pcf`` and ``include/boards/pico_ice.h`` of tinyvision-ai-inc/pico-ice-sdk. The RP2040's GPIO 0, its
tx, is at pin 27, its GPIO 1 at pin 25. Its SPI 1 is on the flash's lines, as ``amaranth/pico_ice.py`` there has them:
SCK GPIO 10, TX GPIO 11 at pin 14, RX GPIO 8 at pin 17, select GPIO 9 (``ICE_DEFAULT_SPI``, ``ICE_FPGA_SPI_CSN_PIN``).
The clock is what its firmware sets: 48 MHz in ``examples/rp2_usb_uart``.
"""

from __future__ import annotations

from amaranth.build import Attrs, Clock, Connector, Pins, Resource, Subsignal
from amaranth.vendor import LatticeICE40Platform
from amaranth_boards.resources import RGBLEDResource, UARTResource

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.dfu_util import DfuUtil

__all__ = ["PICO_ICE", "PicoIcePlatform"]

_ATTRS = Attrs(IO_STANDARD="SB_LVCMOS")


class PicoIcePlatform(LatticeICE40Platform):
    """Pins of the board."""

    device = "iCE40UP5K"
    package = "SG48"
    default_clk = "clk48"
    resources = [
        Resource("clk48", 0, Pins("35", dir="i"), Clock(48e6), Attrs(GLOBAL=True), _ATTRS),
        RGBLEDResource(0, r="41", g="39", b="40", invert=True, attrs=_ATTRS),
        UARTResource(0, rx="27", tx="25", attrs=_ATTRS),
        Resource(
            *("spi", 0),
            Subsignal("sck", Pins("15", dir="i")),
            Subsignal("cs_n", Pins("16", dir="i")),
            Subsignal("mosi", Pins("14", dir="i")),
            Subsignal("miso", Pins("17", dir="oe")),
            _ATTRS,
        ),
    ]
    connectors = [
        Connector("pmod", 0, "4 2 47 45 - - 3 48 46 44 - -"),
        Connector("pmod", 1, "43 38 34 31 - - 42 36 32 28 - -"),
        # Shared with the RP2040.
        Connector("pmod", 2, "27 25 21 19 - - 26 23 20 18 - -"),
    ]


PICO_ICE = Board(
    name="pico-ice",
    family=ICE40,
    part=ICE40.part("iCE40UP5K"),
    package="SG48",
    oscillator="clk48",
    oscillator_mhz=48.0,
    clock_mhz=24.0,
    links=("uart", "spi"),
    leds=(("rgb_led", 0, "r"), ("rgb_led", 0, "g")),
    platform=PicoIcePlatform,
    programmers=(DfuUtil(device="1209:b1c0", sram_alternate=1, memories=("sram", "flash")),),
    note=(
        "the RP2040 needs firmware that gives 48 MHz and passes its USB serial port on, "
        "such as rp2_usb_uart of pico-ice-sdk"
    ),
)
