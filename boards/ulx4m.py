"""ULX4M: the LS (ECP5 12F or 85F, SDRAM) and the LD (ECP5-5G 85F, DDR3), 25 MHz oscillator, on a carrier for the CM4.

Pins: ``ulx4m_ls_v004.lpf`` and ``doc/constraints/prototype/ulx4m-ld_v002.lpf`` of intergalaktik/ULX4M; litex-boards
(``radiona_ulx4m_ls_v2.py``, ``radiona_ulx4m_ld_v2.py``) agrees. GPIO are numbered as the Raspberry Pi's; on the LS
the serial port is where the Pi's is, GPIO 15 and 14.
"""

from __future__ import annotations

from amaranth.build import Attrs, Clock, Connector, Pins, Resource
from amaranth.vendor import LatticeECP5Platform
from amaranth_boards.resources import LEDResources, UARTResource

from bnnhw.boards.board import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.programmers.dfu_util import DfuUtil
from bnnhw.programmers.open_fpga_loader import OpenFpgaLoader

__all__ = ["VARIANTS", "Ulx4mLd85FPlatform", "Ulx4mLs12FPlatform", "Ulx4mLs85FPlatform"]

_ATTRS = Attrs(IO_TYPE="LVCMOS33")
_LS_GPIO = "M17 P17 P16 N1 R1 P3 P4 L5 K4 N2 L2 D6 N18 N16 L1 H3 N5 U1 L3 L4 M3 N4 N3 P5 V1 R17"


def _resources(rx: str, tx: str) -> list[Resource]:
    return [
        Resource("clk25", 0, Pins("G2", dir="i"), Clock(25e6), _ATTRS),
        *LEDResources(pins="A3 B3 B2 C3 C2 C1 D1 D3", attrs=_ATTRS),
        UARTResource(0, rx=rx, tx=tx, attrs=_ATTRS),
    ]


class Ulx4mLs12FPlatform(LatticeECP5Platform):
    """Pins of the LS, 12F."""

    device = "LFE5U-12F"
    package = "BG381"
    speed = "6"
    default_clk = "clk25"
    resources = _resources(rx="N16", tx="N18")
    connectors = [Connector("gpio", 0, {str(number): pin for number, pin in enumerate(_LS_GPIO.split(), 2)})]


class Ulx4mLs85FPlatform(Ulx4mLs12FPlatform):
    """Pins of the LS, 85F."""

    device = "LFE5U-85F"


class Ulx4mLd85FPlatform(LatticeECP5Platform):
    """Pins of the LD, 85F."""

    device = "LFE5UM5G-85F"
    package = "BG381"
    speed = "8"
    default_clk = "clk25"
    # GPIO 23 and 24, where the carrier's FTDI chip is.
    resources = _resources(rx="N4", tx="N3")
    connectors = [Connector("gpio", 0, {"5": "N1", "22": "M3", "25": "P5", "26": "V1"})]


def _board(name: str, part: str, platform: type[LatticeECP5Platform], speed: str) -> Board:
    return Board(
        name=f"ulx4m-{name}",
        family=ECP5,
        part=ECP5.part(part),
        package="CABGA381",
        oscillator="clk25",
        oscillator_mhz=25.0,
        clock_mhz=80.0,
        links=("uart",),
        leds=(("led", 0), ("led", 1)),
        platform=platform,
        place_route=("--speed", speed),
        programmers=(
            DfuUtil(device="1d50:614b"),
            OpenFpgaLoader(options=("--board", "ulx4m_dfu"), memories=("flash",)),
        ),
    )


VARIANTS = (
    _board("ls-12f", "LFE5U-12F", Ulx4mLs12FPlatform, "6"),
    _board("ls-85f", "LFE5U-85F", Ulx4mLs85FPlatform, "6"),
    _board("ld-85f", "LFE5UM5G-85F", Ulx4mLd85FPlatform, "8"),
)
