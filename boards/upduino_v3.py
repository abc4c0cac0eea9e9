"""UPduino 3: iCE40 UltraPlus 5K, FT232H; its 12 MHz oscillator reaches the device over a solder jumper."""

from __future__ import annotations

from amaranth_boards.upduino_v3 import UpduinoV3Platform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.iceprog import Iceprog
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["UPDUINO_V3"]

UPDUINO_V3 = Board(
    name="upduino-v3",
    family=ICE40,
    part=ICE40.part("iCE40UP5K"),
    package="SG48",
    oscillator="SB_HFOSC",
    oscillator_mhz=24.0,
    clock_mhz=24.0,
    links=("uart",),
    leds=(("rgb_led", 0, "r"), ("rgb_led", 0, "g")),
    platform=UpduinoV3Platform,
    pins={"uart": {"rx": "j_0:7", "tx": "j_0:8"}},
    # Behind any bitstream of the device, 104,090 bytes, and its multiboot images.
    image_offset=1 << 20,
    programmers=(
        Iceprog(),
        OpenFpgaLoader(options=("--board", "ice40_generic", "--cable", "ft232"), memories=("flash",)),
    ),
)
