"""iCEstick: iCE40HX1K, 12 MHz oscillator, FT2232H."""

from __future__ import annotations

from amaranth_boards.icestick import ICEStickPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.ice40 import ICE40
from bnnhw.programmers.iceprog import Iceprog
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["ICESTICK"]

ICESTICK = Board(
    name="icestick",
    family=ICE40,
    part=ICE40.part("iCE40HX1K"),
    package="TQ144",
    oscillator="clk12",
    oscillator_mhz=12.0,
    clock_mhz=24.0,
    links=("uart",),
    leds=(("led", 0), ("led", 1)),
    # Its two rows of eight: data on one, the rest on the other.
    pins={
        "parallel": {
            "d": "j_1",
            "rxf_n": "j_3:3",
            "txe_n": "j_3:4",
            "rd_n": "j_3:5",
            "wr_n": "j_3:6",
            "siwu_n": "j_3:7",
        }
    },
    platform=ICEStickPlatform,
    bridge_baud=12_000_000,
    programmers=(Iceprog(), OpenFpgaLoader(options=("--board", "ice40_generic"), memories=("flash",))),
)
