"""Supercon 2019 badge: ECP5 45F, 8 MHz oscillator, USB straight into the device."""

from __future__ import annotations

from typing import Any

from amaranth.vendor import LatticeECP5Platform
from amaranth_boards.supercon19badge import Supercon19BadgePlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.dfu_util import DfuUtil

__all__ = ["SUPERCON19BADGE", "Platform"]


class Platform(Supercon19BadgePlatform):
    """The same, prepared with options: as it is, amaranth-boards 0.0.21 passes each of them on twice."""

    def toolchain_prepare(self, fragment: Any, name: str, **options: Any) -> Any:
        return LatticeECP5Platform.toolchain_prepare(self, fragment, name, **options)


SUPERCON19BADGE = Board(
    name="supercon19badge",
    family=ECP5,
    part=ECP5.part("LFE5U-45F"),
    package="CABGA381",
    oscillator="clk8",
    oscillator_mhz=8.0,
    # Too slow for the PLL, whose phase detector wants 10 MHz.
    clock_mhz=8.0,
    links=("uart",),
    platform=Platform,
    place_route=("--speed", "8"),
    # As the platform packs: the flash is read at this rate, in MHz.
    pack=("--freq", "38.8"),
    programmers=(DfuUtil(device="1d50:614b"),),
)
