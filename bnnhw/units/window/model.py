"""The window unit: what slides over what, its streams, cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.inventory import Inventory
from bnnhw.dataflow.unit import Unit
from bnnhw.devices import Technology
from bnnhw.ir import Window
from bnnhw.units.window.inventory import inventory
from bnnhw.units.window.timing import WindowTiming

if TYPE_CHECKING:
    from bnnhw.units.window.rtl import WindowGenerator

__all__ = ["WindowUnit"]


@dataclass(frozen=True)
class WindowUnit(Unit):
    """Turns a feature map into the elements under a sliding window, through a line buffer.

    Parameters
    ----------
    window : Window
    bits : int
        Bits per element.
    lanes : int
        Elements per word; in the order ``"vector"`` a divisor of the channels.
    padding_code : int
        What the padding holds.
    order : str
        ``"vector"``: taps slowest, channel words fastest. ``"channels"``: for every channel word its taps.
    technology : Technology
        Decides where the buffer lives; cycles do not depend on it.
    spare : int
        Words by which the stream in front may run further ahead than the II takes.
    """

    kind = "window"

    window: Window
    bits: int
    lanes: int
    padding_code: int
    order: str
    technology: Technology
    spare: int = 0

    def __post_init__(self) -> None:
        if self.bits < 1:
            raise ValueError(f"bits must be positive, not {self.bits}")
        if not 0 <= self.padding_code < 1 << self.bits:
            raise ValueError(f"padding_code must be in 0..{(1 << self.bits) - 1}, not {self.padding_code}")
        _ = self.timing  # Refuses lanes and orders that there are not.

    @cached_property
    def timing(self) -> WindowTiming:  # pyright: ignore[reportIncompatibleMethodOverride]
        return WindowTiming(self.window, self.lanes, self.order, self.spare)

    @property
    def width(self) -> int:
        """Bits per word."""
        return self.lanes * self.bits

    @property
    def inputs(self) -> tuple[StreamFormat]:
        return (StreamFormat(self.lanes, self.bits, self.window.channels, self.window.elements),)

    @property
    def outputs(self) -> tuple[StreamFormat]:
        window = self.window
        if self.order == "channels":
            return (StreamFormat.whole_words(self.lanes, self.bits, self.timing.words_out),)
        vector = window.area * window.channels
        return (StreamFormat(self.lanes, self.bits, vector, window.positions * vector),)

    @property
    def buffer_style(self) -> str:
        """Where the line buffer lives: ``"registers"``, ``"distributed"`` or ``"block"``."""
        return self.timing.buffer_style(self.width, self.technology)

    @property
    def memory_words(self) -> int:
        """Words of the line buffer's memory."""
        return self.timing.memory_words(self.width, self.technology)

    def inventory(self) -> Inventory:
        return inventory(self)

    def component(self) -> WindowGenerator:
        from bnnhw.units.window.rtl import WindowGenerator

        return WindowGenerator(self)
