"""How many lanes streams have, and the width converters between them."""

from __future__ import annotations

from dataclasses import replace

from bnnhw.dataflow.divisors import divisor_from, divisors
from bnnhw.dataflow.format import StreamFormat
from bnnhw.ir import Window
from bnnhw.units.width.model import WidthUnit

__all__ = ["input_lanes", "pool_lanes", "width_converters", "window_lanes"]


def width_converters(given: StreamFormat, lanes: int, group: int) -> tuple[tuple[WidthUnit, StreamFormat], ...]:
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
        unit = WidthUnit(given.width, lanes * given.bits, group * given.bits, joined.groups)
        return ((unit, replace(joined, lanes=lanes)),)
    between = lanes if given.group % lanes == 0 else divisor_from(given.group, given.lanes)
    # Groups of the smaller size, before they are joined.
    first = WidthUnit(given.width, between * given.bits, given.group * given.bits, given.groups)
    closed = replace(given, lanes=between)
    return ((first, closed), *width_converters(closed, lanes, group))


def window_lanes(window: Window, simd: int, cycles: int) -> int:
    """Lanes of the window unit before a matrix-vector unit: a divisor of the channels.

    SIMD, so that no converter is needed, where that divides the channels and the window's words fit ``cycles`` per
    frame; otherwise the least with which they do, or all channels.
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
    """Words per frame on the busier side of a window unit."""
    return max(window.height * window.width, window.positions * window.area) * -(-window.channels // lanes)
