"""iCEblink40HX1K: iCE40HX1K, 3.3 MHz oscillator."""

from __future__ import annotations

from amaranth_boards.ice40_hx1k_blink_evn import ICE40HX1KBlinkEVNPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40

__all__ = ["ICE40_HX1K_BLINK_EVN"]

ICE40_HX1K_BLINK_EVN = Board(
    name="ice40-hx1k-blink-evn",
    family=ICE40,
    part=ICE40.part("iCE40HX1K"),
    package="VQ100",
    oscillator="clk3p3",
    oscillator_mhz=3.3,
    # Too slow for the PLL, which wants 10 MHz.
    clock_mhz=3.3,
    links=("uart",),
    leds=(("led", 0), ("led", 1)),
    platform=ICE40HX1KBlinkEVNPlatform,
    pins={"uart": {"rx": "pmod_1:3", "tx": "pmod_1:2"}},
    settings={"uart": {"baud": 115200}},
    note="programmed by iCEburn (iCEburn -ew top.bin)",
)
