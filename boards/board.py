"""What the tools need to know of a board."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.devices import Family, Part
from bnnhw.files import file_digest

if TYPE_CHECKING:
    from bnnhw.devices.clock import BoardClock

__all__ = ["Board"]


@dataclass(frozen=True)
class Board:
    """A board: its device, and how to reach it.

    Parameters
    ----------
    name : str
        The name it is asked for by.
    family : Family
    part : Part
        The device, of that family.
    package : str
        The vendor's name.
    oscillator : str
        The Amaranth platform's resource that is the clock's source.
    oscillator_mhz : float
    clock_mhz : float
        The clock a design is built for when none is asked for.
    links : tuple of str
        Ways in and out that the board has pins for.
    leds : tuple of (str, int)
        Resources of the error lamp and of the activity lamp.
    platform : callable
        Makes the Amaranth platform.
    place_route, pack : tuple of str
        Options of nextpnr and of the packer that the board needs on top of the part's.
    bridge_baud : int, optional
        What the board's USB serial bridge carries at most, by its data sheet; None where that is not known.
    """

    name: str
    family: Family
    part: Part
    package: str
    oscillator: str
    oscillator_mhz: float
    clock_mhz: float
    links: tuple[str, ...]
    leds: tuple[tuple[str, int], tuple[str, int]]
    platform: Callable[[], Any]
    place_route: tuple[str, ...] = ()
    pack: tuple[str, ...] = ()
    bridge_baud: int | None = None

    @property
    def device(self) -> str:
        """The vendor's name of the device."""
        return self.part.name

    @property
    def lut4(self) -> int:
        return self.part.lut4

    @property
    def ff(self) -> int:
        return self.part.ff

    @property
    def block_rams(self) -> int:
        return self.part.block_rams

    @property
    def bram_bits(self) -> int:
        """Bits of block RAM in all."""
        block = self.family.technology.block_ram
        return self.block_rams * block.width * block.depth

    @property
    def spram_bits(self) -> int:
        """Bits of large single-port memory in all."""
        return self.part.spram_bits

    def fingerprint(self) -> tuple[object, ...]:
        """Plain data that differs wherever what is built would: the values here and the text of the platform."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields |= {"family": self.family.name, "platform": None}
        try:
            source = inspect.getsourcefile(type(self.platform()))
        except TypeError:
            source = None
        return (fields, None if source is None else file_digest(Path(source)))

    def reachable_mhz(self, clock_mhz: float) -> float:
        """The clock that is really made when one is asked for.

        Raises
        ------
        RequestError
            When it is out of reach.
        """
        return self.family.reachable_mhz(self.oscillator_mhz, clock_mhz)

    def clock(self, clock_mhz: float) -> BoardClock:
        """The clock generator for a clock in MHz."""
        from bnnhw.devices.clock import BoardClock

        return BoardClock(self.family, self.oscillator, self.oscillator_mhz, clock_mhz)
