"""What the tools need to know of a board."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bnnhw.devices import Family

__all__ = ["Board"]


@dataclass(frozen=True)
class Board:
    """A board: its device, what is in it, and how to reach it.

    Parameters
    ----------
    name : str
        The name it is asked for by.
    device, package : str
        The vendor's names.
    family : Family
    lut4, ff, block_rams : int
        How many there are.
    block_ram_bits : int
        Bits in one block RAM.
    spram_bits : int
        Bits of large single-port memory, all of it.
    oscillator_mhz : float
    clock_mhz : float
        The clock a design is built for when none is asked for.
    links : tuple of str
        Ways in and out that the board has pins for.
    nextpnr : tuple of str
        Options that select the device.
    platform : callable
        Makes the Amaranth platform.
    reachable_mhz : callable
        The clock, in MHz, that is really made when one is asked for; :class:`~bnnhw.errors.RequestError` when it
        is out of reach.
    clock : callable
        Makes the clock generator for a clock in MHz.
    leds : tuple of (str, int)
        Resources of the error lamp and of the activity lamp.
    """

    name: str
    device: str
    package: str
    family: Family
    lut4: int
    ff: int
    block_rams: int
    block_ram_bits: int
    spram_bits: int
    oscillator_mhz: float
    clock_mhz: float
    links: tuple[str, ...]
    nextpnr: tuple[str, ...]
    platform: Callable[[], Any]
    reachable_mhz: Callable[[float], float]
    clock: Callable[[float], Any]
    leds: tuple[tuple[str, int], tuple[str, int]]

    @property
    def bram_bits(self) -> int:
        """Bits of block RAM in all."""
        return self.block_rams * self.block_ram_bits
