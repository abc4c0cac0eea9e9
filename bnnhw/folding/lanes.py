"""How elements lie in the words of a stream, and what changes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bnnhw.folding.folded import divisors
from bnnhw.folding.gearbox import Gearbox
from bnnhw.ir import Window

__all__ = ["Format", "converters", "input_lanes", "pool_lanes", "window_lanes"]


@dataclass(frozen=True)
class Format:
    """The layout of a stream: groups of elements, each in whole words.

    A group takes ``ceil(group / lanes)`` words; lane ``l`` of word ``w`` is its element ``w * lanes + l``, in bits
    ``[l * bits, (l + 1) * bits)``. Lanes past the group are undefined.

    Parameters
    ----------
    lanes, bits : int
        Elements a word, bits an element.
    group : int
        Elements: the channels of a position, or a vector.
    frame : int
        Elements a frame.
    """

    lanes: int
    bits: int
    group: int
    frame: int

    @property
    def width(self) -> int:
        """Bits a word."""
        return self.lanes * self.bits

    @property
    def groups(self) -> int:
        """Groups a frame."""
        return self.frame // self.group

    @property
    def words(self) -> int:
        """Words a frame."""
        return self.groups * -(-self.group // self.lanes)

    @property
    def gapless(self) -> bool:
        """Whether no group ends within a word, so that groups may be joined to larger ones."""
        return self.group % self.lanes == 0


def _divisor_from(size: int, least: int) -> int:
    """The least divisor that is at least so much, or all."""
    return min((d for d in divisors(size) if d >= least), default=size)


def converters(given: Format, lanes: int, group: int) -> tuple[tuple[Gearbox, Format], ...]:
    """The width converters that give a stream other lanes and larger groups, and the format behind each.

    ``group`` is the stream's, or a multiple of it. Groups are joined where words have no gaps: before the converter,
    behind it, or between two, the first of which closes the gaps with words of a divisor of the group.
    """
    if group % given.group:
        raise ValueError(f"group must be a multiple of {given.group}, not {group}")
    joined = replace(given, group=group)
    if given.group == group or given.gapless:
        if given.lanes == lanes:
            return ()
        return ((Gearbox(given.width, lanes * given.bits, group * given.bits), replace(joined, lanes=lanes)),)
    between = lanes if given.group % lanes == 0 else _divisor_from(given.group, given.lanes)
    first = Gearbox(given.width, between * given.bits, given.group * given.bits)
    closed = replace(given, lanes=between)
    return ((first, closed), *converters(closed, lanes, group))


def window_lanes(window: Window, simd: int, cycles: int) -> int:
    """Lanes of the window unit before a matrix-vector unit: a divisor of the channels.

    SIMD, so that no converter is needed, where that divides the channels and the window's words fit ``cycles`` a frame;
    otherwise the least with which they do, or all channels.
    """
    choices = [d for d in divisors(window.channels) if _window_words(window, d) <= cycles] or [window.channels]
    return simd if simd in choices else choices[0]


def input_lanes(channels: int, positions: int, least: int, cycles: int) -> int:
    """Lanes in which a map comes from outside: a divisor of the channels, so that frames have no gaps.

    The least that is at least ``least`` and with which a frame's words fit ``cycles``, or all channels.
    """
    fitting = [d for d in divisors(channels) if d >= least and positions * (channels // d) <= cycles]
    return fitting[0] if fitting else channels


def pool_lanes(window: Window, lanes: int, cycles: int) -> int:
    """Lanes of a window unit that gives channel by channel: those of its input, or the least multiple that fits."""
    multiple = lanes
    while _window_words(window, multiple) > cycles and multiple < window.channels:
        multiple += lanes
    return min(multiple, window.channels)


def _window_words(window: Window, lanes: int) -> int:
    """Words a frame on the busier side of a window unit."""
    return max(window.height * window.width, window.positions * window.area) * -(-window.channels // lanes)
