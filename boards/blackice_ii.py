"""BlackIce II: iCE40HX4K, 100 MHz oscillator, STM32 as serial port."""

from __future__ import annotations

from amaranth_boards.blackice_ii import BlackIceIIPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40

__all__ = ["BLACKICE_II"]

BLACKICE_II = Board(
    name="blackice-ii",
    family=ICE40,
    part=ICE40.part("iCE40HX4K"),
    package="TQ144",
    oscillator="clk100",
    oscillator_mhz=100.0,
    clock_mhz=50.0,
    links=("uart",),
    leds=(("led_r", 0), ("led_g", 0)),
    platform=BlackIceIIPlatform,
    note="programmed by its own microcontroller: copy top.bin to its serial port (cp top.bin /dev/ttyACM0)",
)
