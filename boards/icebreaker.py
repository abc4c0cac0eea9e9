"""iCEBreaker: iCE40 UltraPlus 5K, 12 MHz oscillator, FT2232H."""

from __future__ import annotations

from amaranth_boards.icebreaker import ICEBreakerPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.iceprog import Iceprog
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["ICEBREAKER"]

ICEBREAKER = Board(
    name="icebreaker",
    family=ICE40,
    part=ICE40.part("iCE40UP5K"),
    package="SG48",
    oscillator="clk12",
    oscillator_mhz=12.0,
    # A 64-128-64-10 network that fills 80 % of the device reaches 43 MHz behind its serial link.
    clock_mhz=30.0,
    links=("uart", "spi"),
    leds=(("led_r", 0), ("led_g", 0)),
    platform=ICEBreakerPlatform,
    # The lines to the flash, which the first channel of the FT2232H drives: SCK at ADBUS0, MOSI at 1, MISO at 2, the
    # flash's select at 4 (ftdi://ftdi:2232h/1?cs=1); as the platform's SPIFlashResources and iceprog have them.
    pins={"spi": {"sck": "15", "cs_n": "16", "mosi": "14", "miso": "17"}},
    bridge_baud=12_000_000,
    # Behind any bitstream of the device, 104,090 bytes, and its multiboot images.
    image_offset=1 << 20,
    programmers=(
        Iceprog(),
        OpenFpgaLoader(options=("--board", "ice40_generic"), memories=("flash",)),
    ),
    usual=True,
)
