"""ECP5-5G evaluation board: ECP5-5G 85F, 12 MHz oscillator, FT2232H."""

from __future__ import annotations

from amaranth_boards.ecp5_5g_evn import ECP55GEVNPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["ECP5_5G_EVN"]

ECP5_5G_EVN = Board(
    name="ecp5-5g-evn",
    family=ECP5,
    part=ECP5.part("LFE5UM5G-85F"),
    package="CABGA381",
    oscillator="clk12",
    oscillator_mhz=12.0,
    clock_mhz=80.0,
    links=("uart",),
    leds=(("led", 0), ("led", 1)),
    platform=ECP55GEVNPlatform,
    place_route=("--speed", "8"),
    bridge_baud=12_000_000,
    programmers=(OpenFpgaLoader(options=("--board", "ecp5_evn")),),
    note="the serial port needs two resistors moved and the FTDI chip set (section 6.2 of its user manual)",
)
