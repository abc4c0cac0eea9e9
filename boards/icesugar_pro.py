"""iCESugar-Pro: ECP5 25F, 25 MHz oscillator, probe iCELink as serial port."""

from __future__ import annotations

from amaranth_boards.icesugar_pro import ICESugarProPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.ecpdap import Ecpdap
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["ICESUGAR_PRO"]

ICESUGAR_PRO = Board(
    name="icesugar-pro",
    family=ECP5,
    part=ECP5.part("LFE5U-25F"),
    package="CABGA256",
    oscillator="clk25",
    oscillator_mhz=25.0,
    clock_mhz=80.0,
    links=("uart",),
    leds=(("rgb_led", 0, "r"), ("rgb_led", 0, "g")),
    platform=ICESugarProPlatform,
    place_route=("--speed", "6"),
    programmers=(OpenFpgaLoader(options=("--cable", "cmsisdap", "--vid", "0x1d50", "--pid", "0x602b")), Ecpdap()),
    note="the probe can be a slower serial port than 1 Mbaud",
)
