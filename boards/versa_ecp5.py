"""ECP5 Versa board: ECP5 45F with SerDes, 100 MHz oscillator, FT2232H."""

from __future__ import annotations

from amaranth_boards.versa_ecp5 import VersaECP5Platform

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["VERSA_ECP5"]

VERSA_ECP5 = Board(
    name="versa-ecp5",
    family=ECP5,
    part=ECP5.part("LFE5UM-45F"),
    package="CABGA381",
    oscillator="clk100",
    oscillator_mhz=100.0,
    clock_mhz=80.0,
    links=("uart",),
    leds=(("led", 0), ("led", 1)),
    platform=VersaECP5Platform,
    place_route=("--speed", "8"),
    bridge_baud=12_000_000,
    programmers=(OpenFpgaLoader(options=("--cable", "ft2232")),),
)
