"""What the tools need to know of a board."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.devices import Family, Package, Part
from bnnhw.errors import RequestError
from bnnhw.files import file_digest
from bnnhw.programmers import Programmer

if TYPE_CHECKING:
    from bnnhw.devices.clock import BoardClock

__all__ = ["Board", "Lamp"]

Lamp = tuple[str, int] | tuple[str, int, str]
"""A lamp: a resource's name and number, and where that has several signals (a lamp of three colours) which."""


def _no_platform() -> Any:
    raise RequestError("a board must have a platform, and has none")


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
        The Amaranth platform's resource that is the clock's source, or the name of an oscillator inside the device
        (``SB_HFOSC``, ``OSCG``).
    oscillator_mhz : float
        What it gives; of one inside the device one of the frequencies it can be set to.
    clock_mhz : float
        The clock a design is built for when none is asked for.
    links : tuple of str
        Ways in and out that the board has pins for.
    leds : tuple of (str, int) or (str, int, str)
        The error lamp and the activity lamp, as far as there are such: a resource's name and number, and where it has
        several signals which.
    platform : callable
        Makes the Amaranth platform.
    place_route, pack : tuple of str
        Options of nextpnr and of the packer that the board needs on top of those of part and package.
    bridge_baud : int, optional
        What the board's USB serial bridge carries at most, by its data sheet; None where that is not known.
    pins : mapping of str to (mapping of str to str)
        For a link whose resource the platform has not, or that is to be elsewhere: the link's signals and their pins,
        of a connector (``"pmod_0:3"``) or of the package (``"B10"``).
    pin_attributes : mapping of str to str
        Amaranth's attributes of those pins; the family's for 3.3 V when not given.
    settings : mapping of str to (mapping of str to int)
        What links are set to on this board, such as ``{"uart": {"baud": 115200}}``.
    programmers : tuple of Programmer
        What loads it, the usual one first.
    image_offset : int, optional
        Where in the flash that the device starts from there is room behind all bitstreams, for an image that fills
        memories; of a board whose platform has the pins of that flash (``spi_flash_1x``).
    tried : bool
        Whether a bitstream of ours has run on one.
    usual : bool
        Whether it is among those that a network is folded for where no board is named.
    note : str
        What a user must know of it that its other values do not say: jumpers, firmware beside it.
    """

    name: str
    family: Family
    part: Part
    package: str
    oscillator: str
    oscillator_mhz: float
    clock_mhz: float
    links: tuple[str, ...]
    leds: tuple[Lamp, ...] = ()
    platform: Callable[[], Any] = _no_platform
    place_route: tuple[str, ...] = ()
    pack: tuple[str, ...] = ()
    bridge_baud: int | None = None
    pins: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]], hash=False)
    pin_attributes: Mapping[str, str] | None = field(default=None, hash=False)
    settings: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]], hash=False)
    programmers: tuple[Programmer, ...] = ()
    image_offset: int | None = None
    tried: bool = False
    usual: bool = False
    note: str = ""

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

    @property
    def sprams(self) -> int:
        """Large single-port memories in all."""
        spram = self.family.technology.spram
        return 0 if spram is None else self.spram_bits // (spram.width * spram.depth)

    @property
    def image_program(self) -> Programmer | None:
        """What writes an image behind the bitstream, into the flash that the device reaches too; None without."""
        if self.image_offset is None:
            return None
        return next((way for way in self.programmers if way.image_arguments(Path(), 0) is not None), None)

    @property
    def filled_sprams(self) -> int:
        """Large single-port memories that an image in the flash fills."""
        return 0 if self.image_program is None else self.sprams

    @property
    def package_options(self) -> tuple[str, ...]:
        """Options of nextpnr that select the package, unless the board has some of its own."""
        options = () if self._package is None else self._package.place_route
        return () if options and options[0] in self.place_route else options

    @property
    def place_route_options(self) -> tuple[str, ...]:
        """All options of nextpnr: of the part, of the package and the board's own."""
        return (*self.part.place_route, *self.package_options, *self.place_route)

    @property
    def speed(self) -> str:
        """What the delays of the device go by, in the words of :mod:`bnnhw.devices.speeds`."""
        toolchain, options = self.family.toolchain, self.place_route_options
        option = "" if toolchain is None else toolchain.grade_option
        grade = options[options.index(option) + 1 :][:1] if option in options else ()
        return "-".join((self.part.speed, *grade))

    @property
    def _package(self) -> Package | None:
        return self.part.package(self.package)

    @property
    def inside(self) -> bool:
        """Whether the clock's source is inside the device."""
        return self.oscillator in self.family.oscillators

    @property
    def notes(self) -> str:
        """What a user must know of it, whatever it is reached by: what follows from its clock, and its own note."""
        said: list[str] = []
        if self.inside:
            off = self.family.oscillators[self.oscillator].tolerance
            said.append(
                f"its clock is the device's own oscillator, {100 * off:g} % off at most by the data sheet: the host "
                "may have to try other baud rates"
            )
        return "; ".join([*said, self.note] if self.note else said)

    def fingerprint(self) -> tuple[object, ...]:
        """Plain data that differs wherever what is built would: the values here and the text of the platform."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name in ("bridge_baud", "programmers", "tried", "usual", "note"):
            del fields[name]
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
        if clock_mhz != self.oscillator_mhz and self._package is not None and not self._package.pll:
            raise RequestError(
                f"clock must be {self.oscillator_mhz:g} MHz, not {clock_mhz:g}: "
                f"the {self.part.name} has no PLL in {self.package}"
            )
        return self.family.reachable_mhz(self.oscillator_mhz, clock_mhz)

    def clock(self, clock_mhz: float) -> BoardClock:
        """The clock generator for a clock in MHz."""
        from bnnhw.devices.clock import BoardClock

        return BoardClock(self.family, self.oscillator, self.oscillator_mhz, clock_mhz)
