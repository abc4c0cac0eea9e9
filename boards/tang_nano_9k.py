"""Tang Nano 9K: Gowin GW1NR-9C, 27 MHz oscillator, BL702."""

from __future__ import annotations

from amaranth_boards.tang_nano_9k import TangNano9kPlatform

from bnnhw.boards.board import Board
from bnnhw.devices.gowin import GOWIN
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["TANG_NANO_9K"]

TANG_NANO_9K = Board(
    name="tang-nano-9k",
    family=GOWIN,
    part=GOWIN.part("GW1NR-9C"),
    package="QN88P",
    oscillator="clk27",
    oscillator_mhz=27.0,
    # The digits network reaches 129 MHz, in its fastest folding 111.
    clock_mhz=81.0,
    links=("uart",),
    leds=(("led", 0), ("led", 1)),
    platform=TangNano9kPlatform,
    programmers=(OpenFpgaLoader(options=("--board", "tangnano9k")),),
    usual=True,
    place_route=("--device", "GW1NR-LV9QN88PC6/I5"),
    # The serial flash's pins and the configuration port's are others' on this board.
    pack=("--sspi_as_gpio", "--mspi_as_gpio"),
)
