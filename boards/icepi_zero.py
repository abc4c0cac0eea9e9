"""Icepi Zero 1.3: ECP5 25F, 50 MHz oscillator, FT231X."""

from __future__ import annotations

from amaranth_boards.icepi_zero import IcepiZero1_3Platform

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["ICEPI_ZERO"]

ICEPI_ZERO = Board(
    name="icepi-zero",
    family=ECP5,
    part=ECP5.part("LFE5U-25F"),
    package="CABGA256",
    oscillator="clk50",
    oscillator_mhz=50.0,
    clock_mhz=80.0,
    links=("uart",),
    leds=(("led", 0), ("led", 1)),
    platform=IcepiZero1_3Platform,
    place_route=("--speed", "6"),
    bridge_baud=3_000_000,
    programmers=(OpenFpgaLoader(options=("--board", "icepi-zero")),),
)
