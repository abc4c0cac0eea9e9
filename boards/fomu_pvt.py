"""Fomu PVT: iCE40 UltraPlus 5K, 48 MHz oscillator, USB straight into the device."""

from __future__ import annotations

from amaranth_boards.fomu_pvt import FomuPVTPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.dfu_util import DfuUtil
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["FOMU_PVT"]

FOMU_PVT = Board(
    name="fomu-pvt",
    family=ICE40,
    part=ICE40.part("iCE40UP5K"),
    package="UWG30",
    oscillator="clk48",
    oscillator_mhz=48.0,
    clock_mhz=24.0,
    links=("uart",),
    leds=(("rgb_led", 0, "r"), ("rgb_led", 0, "g")),
    platform=FomuPVTPlatform,
    pins={"uart": {"rx": "E4", "tx": "D5"}},
    programmers=(DfuUtil(device="1209:5bf0"), OpenFpgaLoader(options=("--board", "fomu"), memories=("flash",))),
    note="no serial port of its own: a USB serial adapter of 3.3 V at the touch pads 0 (rx) and 1 (tx)",
)
