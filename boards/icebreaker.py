"""iCEBreaker: iCE40 UltraPlus 5K, 12 MHz oscillator, FT2232H."""

from __future__ import annotations

from amaranth_boards.icebreaker import ICEBreakerPlatform

from bnnhw.boards.board import Board
from bnnhw.boards.ice40 import Ice40Clock
from bnnhw.devices.ice40 import ICE40

__all__ = ["ICEBREAKER"]


_OSCILLATOR_MHZ = 12.0


def _reachable(clock_mhz: float) -> float:
    return Ice40Clock.reachable(_OSCILLATOR_MHZ, clock_mhz)


def _clock(clock_mhz: float) -> Ice40Clock:
    return Ice40Clock("clk12", _OSCILLATOR_MHZ, clock_mhz)


ICEBREAKER = Board(
    name="icebreaker",
    device="iCE40UP5K",
    package="SG48",
    family=ICE40,
    lut4=5280,
    ff=5280,
    block_rams=30,
    block_ram_bits=4096,
    spram_bits=4 * 262144,
    oscillator_mhz=_OSCILLATOR_MHZ,
    # A 64-128-64-10 network that fills 80 % of the device reaches 43 MHz behind its serial link.
    clock_mhz=30.0,
    links=("uart",),
    nextpnr=("--up5k", "--package", "sg48"),
    platform=ICEBreakerPlatform,
    reachable_mhz=_reachable,
    clock=_clock,
    leds=(("led_r", 0), ("led_g", 0)),
)
