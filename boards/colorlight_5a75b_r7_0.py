"""Colorlight 5A-75B, revision 7.0: ECP5 25F, 25 MHz oscillator."""

from __future__ import annotations

from amaranth_boards.colorlight_5a75b_r7_0 import Colorlight_5A75B_R70Platform

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["COLORLIGHT_5A75B_R7_0"]

COLORLIGHT_5A75B_R7_0 = Board(
    name="colorlight-5a75b-r7-0",
    family=ECP5,
    part=ECP5.part("LFE5U-25F"),
    package="CABGA256",
    oscillator="clk25",
    oscillator_mhz=25.0,
    clock_mhz=80.0,
    links=("uart",),
    platform=Colorlight_5A75B_R70Platform,
    place_route=("--speed", "6"),
    programmers=(OpenFpgaLoader(options=("--board", "colorlight", "--cable", "ft232")),),
    note=(
        "rx is the button's pin, tx the lamp's, both on J19: a USB serial adapter goes there; the probe "
        "(FT232H here) goes to J27 to J32"
    ),
)
