"""ButterStick: ECP5-5G 85F, 30 MHz oscillator, USB straight into the device."""

from __future__ import annotations

from amaranth_boards.butterstick import ButterStickPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.dfu_util import DfuUtil

__all__ = ["BUTTERSTICK"]

BUTTERSTICK = Board(
    name="butterstick",
    family=ECP5,
    part=ECP5.part("LFE5UM5G-85F"),
    package="CABGA381",
    oscillator="clk30",
    oscillator_mhz=30.0,
    clock_mhz=80.0,
    links=("uart",),
    platform=ButterStickPlatform,
    place_route=("--speed", "8"),
    pins={"uart": {"rx": "C12", "tx": "A13"}},
    programmers=(DfuUtil(device="1209:5af1"),),
    note=(
        "no serial port of its own: a USB serial adapter of 3.3 V at DAT0 (rx) and CMD (tx) of the SD "
        "card slot; the SYZYGY connectors have no supply before gateware sets it"
    ),
)
