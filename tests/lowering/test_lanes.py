"""Formats of streams: width_converters between any two, and the lanes of window units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.dataflow import StreamFormat
from bnnhw.ir import Window
from bnnhw.lowering.lanes import input_lanes, pool_lanes, width_converters, window_lanes
from tests.strategies import fixed


@fixed
@given(
    st.integers(1, 12), st.integers(1, 30), st.integers(1, 4), st.integers(1, 6), st.integers(1, 30), st.integers(1, 3)
)
def test_converters(lanes: int, group: int, groups: int, joined: int, wanted: int, bits: int) -> None:
    """They lead from any format to any lanes in groups of a multiple, and lose no element on the way."""
    frame = group * joined * groups
    given_format = StreamFormat(lanes, bits, group, frame)
    chain = width_converters(given_format, wanted, group * joined)
    before = given_format
    for unit, behind in chain:
        assert behind.frame == frame
        assert (behind.bits, behind.group) in ((bits, group), (bits, group * joined))
        assert unit.output_width == behind.width
        assert unit.input_width == before.width
        # A converter's frame is what it closes the gaps of: a group in front, or behind where there were none.
        assert unit.frame_bits in (before.group * bits, behind.group * bits)
        assert unit.frame_bits == behind.group * bits or behind.gapless
        assert unit.frame_bits == before.group * bits or before.gapless
        before = behind
    assert before.lanes == wanted
    assert before.group == group * joined or before.gapless
    assert len(chain) <= 2
    if lanes == wanted and (joined == 1 or group % lanes == 0):
        assert chain == ()


def test_gaps_are_closed_between_two_converters() -> None:
    """5 channels in words of 2, 20 of them in words of 3: neither divides 5, so words of 5 stand between."""
    (first, between), (second, last) = width_converters(StreamFormat(2, 1, 5, 20), 3, 20)
    assert (first.input_width, first.output_width, first.frame_bits) == (2, 5, 5)
    assert between == StreamFormat(5, 1, 5, 20)
    assert (second.input_width, second.output_width, second.frame_bits) == (5, 3, 20)
    assert last == StreamFormat(3, 1, 20, 20)


def test_format() -> None:
    form = StreamFormat(4, 2, 10, 60)
    assert (form.width, form.groups, form.words, form.gapless) == (8, 6, 18, False)
    assert StreamFormat(5, 2, 10, 60).gapless


def test_groups_are_not_cut() -> None:
    with pytest.raises(ValueError, match=r"^group must be a multiple of 10, not 15$"):
        width_converters(StreamFormat(4, 2, 10, 60), 4, 15)


@pytest.mark.parametrize(
    "simd, cycles, lanes",
    [
        # 16 positions in, 4 windows of 9 taps: 36 words at 12 lanes, 72 at 6.
        (12, 36, 12),
        (6, 72, 6),
        (6, 71, 12),
        (5, 72, 6),
        (24, 432, 1),
        (108, 36, 12),
        (2, 432, 2),
        # Never quicker than one position a cycle.
        (4, 10, 12),
    ],
)
def test_window_lanes(simd: int, cycles: int, lanes: int) -> None:
    assert window_lanes(Window(12, 4, 4, (3, 3)), simd, cycles) == lanes


@pytest.mark.parametrize(
    "lanes, cycles, expected",
    [(1, 180, 1), (1, 179, 2), (2, 108, 2), (2, 107, 4), (2, 72, 4), (2, 71, 5), (3, 72, 3), (3, 71, 5), (2, 1, 5)],
)
def test_pool_lanes(lanes: int, cycles: int, expected: int) -> None:
    """5 channels, 4 x 4: 9 windows of 4 taps, 36 words at 5 lanes, 72 at 3 or 4, 108 at 2, 180 at 1."""
    assert pool_lanes(Window(5, 4, 4, (2, 2)), lanes, cycles) == expected


@pytest.mark.parametrize(
    "least, cycles, lanes", [(1, 120, 1), (1, 119, 2), (1, 10, 12), (5, 120, 6), (3, 30, 4), (7, 1, 12)]
)
def test_input_lanes(least: int, cycles: int, lanes: int) -> None:
    """12 channels, 10 positions."""
    assert input_lanes(12, 10, least, cycles) == lanes
