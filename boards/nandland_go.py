"""Nandland Go Board: iCE40HX1K, 25 MHz oscillator, FT2232H."""

from __future__ import annotations

from amaranth_boards.nandland_go import NandlandGoPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.iceprog import Iceprog
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["NANDLAND_GO"]

NANDLAND_GO = Board(
    name="nandland-go",
    family=ICE40,
    part=ICE40.part("iCE40HX1K"),
    package="VQ100",
    oscillator="clk25",
    oscillator_mhz=25.0,
    clock_mhz=25.0,
    links=("uart",),
    leds=(("led", 0), ("led", 1)),
    platform=NandlandGoPlatform,
    bridge_baud=12_000_000,
    programmers=(Iceprog(), OpenFpgaLoader(options=("--board", "ice40_generic"), memories=("flash",))),
)
