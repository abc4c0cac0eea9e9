"""ULX3S: ECP5 12F, 25F, 45F or 85F, 25 MHz oscillator, FT231X."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth_boards.ulx3s import ULX3S_12F_Platform, ULX3S_25F_Platform, ULX3S_45F_Platform, ULX3S_85F_Platform

from bnnhw.boards.board import Board
from bnnhw.boards.ecp5 import Ecp5Clock
from bnnhw.devices.ecp5 import ECP5

__all__ = ["VARIANTS"]


_OSCILLATOR_MHZ = 25.0


def _reachable(clock_mhz: float) -> float:
    return Ecp5Clock.reachable(_OSCILLATOR_MHZ, clock_mhz)


def _clock(clock_mhz: float) -> Ecp5Clock:
    return Ecp5Clock("clk25", _OSCILLATOR_MHZ, clock_mhz)


def _board(size: str, option: str, lut4: int, block_rams: int, platform: Callable[[], Any]) -> Board:
    return Board(
        name=f"ulx3s-{size.lower()}",
        device=f"LFE5U-{size}",
        package="CABGA381",
        family=ECP5,
        lut4=lut4,
        ff=lut4,
        block_rams=block_rams,
        block_ram_bits=18432,
        spram_bits=0,
        oscillator_mhz=_OSCILLATOR_MHZ,
        # The same network reaches 143 MHz on the 85F, speed grade 6.
        clock_mhz=80.0,
        links=("uart",),
        nextpnr=(option, "--package", "CABGA381", "--speed", "6"),
        platform=platform,
        reachable_mhz=_reachable,
        clock=_clock,
        leds=(("led", 0), ("led", 1)),
    )


# LUTs and block RAMs by the data sheet (FPGA-DS-02012, table of the family); the LUTs of the three dies as
# Project Trellis counts them. The 12F is a 25F die sold as smaller: what it is sold with is what counts here.
VARIANTS = (
    _board("12F", "--12k", 12_000, 32, ULX3S_12F_Platform),
    _board("25F", "--25k", 24_288, 56, ULX3S_25F_Platform),
    _board("45F", "--45k", 43_848, 108, ULX3S_45F_Platform),
    _board("85F", "--85k", 83_640, 208, ULX3S_85F_Platform),
)
