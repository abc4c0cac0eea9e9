"""iCEBreaker Bitsy: iCE40 UltraPlus 5K, 12 MHz oscillator, USB straight into the device."""

from __future__ import annotations

from amaranth_boards.icebreaker_bitsy import ICEBreakerBitsyPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.dfu_util import DfuUtil
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["ICEBREAKER_BITSY"]

ICEBREAKER_BITSY = Board(
    name="icebreaker-bitsy",
    family=ICE40,
    part=ICE40.part("iCE40UP5K"),
    package="SG48",
    oscillator="clk12",
    oscillator_mhz=12.0,
    clock_mhz=30.0,
    links=("uart",),
    leds=(("led_r", 0), ("led_g", 0)),
    platform=ICEBreakerBitsyPlatform,
    pins={"uart": {"rx": "pmod_1:3", "tx": "pmod_1:2"}},
    programmers=(
        DfuUtil(device="1d50:6146"),
        OpenFpgaLoader(options=("--board", "icebreaker-bitsy"), memories=("flash",)),
    ),
)
