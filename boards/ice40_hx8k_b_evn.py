"""iCE40-HX8K breakout board: iCE40HX8K, 12 MHz oscillator, FT2232H."""

from __future__ import annotations

from amaranth_boards.ice40_hx8k_b_evn import ICE40HX8KBEVNPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.iceprog import Iceprog
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["ICE40_HX8K_B_EVN"]

ICE40_HX8K_B_EVN = Board(
    name="ice40-hx8k-b-evn",
    family=ICE40,
    part=ICE40.part("iCE40HX8K"),
    package="CT256",
    oscillator="clk12",
    oscillator_mhz=12.0,
    clock_mhz=48.0,
    links=("uart",),
    leds=(("led", 0), ("led", 1)),
    platform=ICE40HX8KBEVNPlatform,
    bridge_baud=12_000_000,
    programmers=(
        Iceprog(memories=("sram", "flash"), note="jumpers J6 and J7 choose between the device and the flash"),
        OpenFpgaLoader(options=("--board", "ice40_generic"), memories=("flash",)),
    ),
)
