"""iCE40 UltraPlus breakout board: iCE40 UltraPlus 5K, 12 MHz oscillator, FT2232H."""

from __future__ import annotations

from amaranth_boards.ice40_up5k_b_evn import ICE40UP5KBEVNPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.iceprog import Iceprog
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["ICE40_UP5K_B_EVN"]

ICE40_UP5K_B_EVN = Board(
    name="ice40-up5k-b-evn",
    family=ICE40,
    part=ICE40.part("iCE40UP5K"),
    package="SG48",
    oscillator="clk12",
    oscillator_mhz=12.0,
    clock_mhz=30.0,
    links=("uart",),
    leds=(("led_r", 0), ("led_g", 0)),
    platform=ICE40UP5KBEVNPlatform,
    pins={"uart": {"rx": "pmod_0:9", "tx": "pmod_0:8"}},
    # Behind any bitstream of the device, 104,090 bytes, and its multiboot images.
    image_offset=1 << 20,
    programmers=(Iceprog(), OpenFpgaLoader(options=("--board", "ice40_generic"), memories=("flash",))),
)
