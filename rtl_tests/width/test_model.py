"""The arithmetic of width converters; that hardware obeys it is shown in test_rtl.py."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.dataflow import StreamFormat
from bnnhw.units.width.model import WidthTiming, WidthUnit
from tests.strategies import fixed

WIDTHS = st.integers(1, 40)


@pytest.mark.parametrize(
    "widths, kind",
    [((4, 4), "wire"), ((1, 8), "up"), ((3, 9), "up"), ((9, 3), "down"), ((8, 1), "down"), ((4, 6), "general")],
)
def test_kind(widths: tuple[int, int], kind: str) -> None:
    assert WidthTiming(*widths, 20).kind == kind


@fixed
@given(st.builds(WidthTiming, WIDTHS, WIDTHS, st.integers(1, 200)))
def test_words(timing: WidthTiming) -> None:
    """The least words that hold the frame; room for an input word beside any rest too short for an output word."""
    for words, width in ((timing.words_in, timing.input_width), (timing.words_out, timing.output_width)):
        assert (words - 1) * width < timing.frame_bits <= words * width
    step = next(n for n in range(timing.output_width, 0, -1) if timing.output_width % n == timing.input_width % n == 0)
    rests = range(0, timing.output_width, step)
    assert timing.capacity == max(rests) + timing.input_width


@fixed
@given(st.builds(WidthTiming, WIDTHS, WIDTHS, st.integers(1, 200)), st.data())
def test_schedule(timing: WidthTiming, data: st.DataObject) -> None:
    """A word leaves after its last bit came, in a cycle of its own; earlier input is never worse."""
    gaps = data.draw(st.lists(st.integers(0, 5), min_size=timing.words_in, max_size=timing.words_in))
    arrivals = [sum(gaps[: i + 1]) + i for i in range(len(gaps))]
    offered = timing.schedule(arrivals)
    assert len(offered) == timing.words_out
    assert all(a < b for a, b in zip(offered, offered[1:], strict=False))
    for word, cycle in enumerate(offered):
        last_bit = min((word + 1) * timing.output_width, timing.frame_bits) - 1
        assert cycle >= arrivals[last_bit // timing.input_width] + (timing.kind != "wire")
    at_once = timing.schedule([arrivals[0]] * len(arrivals))
    assert all(early <= late for early, late in zip(at_once, offered, strict=True))


@fixed
@given(st.builds(WidthTiming, WIDTHS, WIDTHS, st.integers(1, 200)))
def test_interval(timing: WidthTiming) -> None:
    """max(words in, words out), and at most 2 cycles more where neither width divides the other."""
    least = max(timing.words_in, timing.words_out)
    more = 2 if timing.kind == "general" else 0
    assert least <= timing.interval <= least + more


def test_streams() -> None:
    """Bits of one frame, or of several groups that are repacked each on its own."""
    one = WidthUnit(4, 6, 20)
    assert (one.inputs, one.outputs) == ((StreamFormat(4, 1, 20, 20),), (StreamFormat(6, 1, 20, 20),))
    assert (one.repeats, one.interval) == (1, one.timing.interval)
    three = WidthUnit(4, 6, 20, 3)
    assert (three.inputs, three.outputs) == ((StreamFormat(4, 1, 20, 60),), (StreamFormat(6, 1, 20, 60),))
    assert three.interval == 3 * one.interval
    with pytest.raises(ValueError, match=r"^frame_bits must be positive, not 0$"):
        WidthUnit(4, 6, 0)


@pytest.mark.parametrize(
    "widths, offered",
    [
        # As they come; a cycle behind the last of three; one after another from one word.
        ((4, 4, 12), [0, 1, 2]),
        ((3, 9, 18), [3, 6]),
        ((9, 3, 18), [1, 2, 3, 4, 5, 6]),
        # The last word ends early.
        ((3, 9, 12), [3, 4]),
        ((9, 3, 12), [1, 2, 3, 4]),
        # 4, 8, 12 bits are in: six of them from the second word on, twelve with the third.
        ((4, 6, 12), [2, 3]),
        ((6, 4, 12), [1, 2, 3]),
    ],
)
def test_cycles_by_hand(widths: tuple[int, int, int], offered: list[int]) -> None:
    timing = WidthTiming(*widths)
    assert timing.schedule(list(range(timing.words_in))) == offered
    assert timing.latency == offered[-1]


def test_errors() -> None:
    for i, name in enumerate(("input_width", "output_width", "frame_bits")):
        values = [4, 4, 4]
        values[i] = 0
        with pytest.raises(ValueError, match=rf"^{name} must be positive, not 0$"):
            WidthTiming(*values)
    message = re.escape("arrivals must have 3 values, not 2")
    with pytest.raises(ValueError, match=rf"^{message}$"):
        WidthTiming(4, 2, 12).schedule([0, 1])
