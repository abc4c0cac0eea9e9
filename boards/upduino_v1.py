"""UPduino 1: iCE40 UltraPlus 5K, no oscillator, FT232H."""

from __future__ import annotations

from amaranth_boards.upduino_v1 import UpduinoV1Platform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.iceprog import Iceprog
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["UPDUINO_V1"]

UPDUINO_V1 = Board(
    name="upduino-v1",
    family=ICE40,
    part=ICE40.part("iCE40UP5K"),
    package="SG48",
    oscillator="SB_HFOSC",
    oscillator_mhz=24.0,
    clock_mhz=24.0,
    links=("uart",),
    leds=(("led_r", 0), ("led_g", 0)),
    platform=UpduinoV1Platform,
    pins={"uart": {"rx": "j_0:3", "tx": "j_0:4"}},
    # Behind any bitstream of the device, 104,090 bytes, and its multiboot images.
    image_offset=1 << 20,
    programmers=(
        Iceprog(),
        OpenFpgaLoader(options=("--board", "ice40_generic", "--cable", "ft232"), memories=("flash",)),
    ),
)
