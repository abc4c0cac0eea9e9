"""The arithmetic of window units; that hardware obeys it is shown in test_rtl.py."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.dataflow import StreamFormat
from bnnhw.dataflow.flow import Link, Timeline, sink, source
from bnnhw.devices import technology
from bnnhw.errors import NetworkError
from bnnhw.ir import Window
from bnnhw.units.window.model import WindowUnit
from bnnhw.units.window.timing import WindowTiming
from tests.strategies import fixed

CNV = [
    Window(3, 32, 32, (3, 3)),
    Window(64, 30, 30, (3, 3)),
    Window(64, 28, 28, (2, 2), (2, 2)),
    Window(64, 14, 14, (3, 3)),
    Window(128, 12, 12, (3, 3)),
    Window(128, 10, 10, (2, 2), (2, 2)),
    Window(128, 5, 5, (3, 3)),
    Window(256, 3, 3, (3, 3)),
]


@st.composite
def pipelines(draw: st.DrawFn) -> WindowTiming:
    """Small windows of any kind, more padding than window among them."""
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    map_sizes = (draw(st.integers(1, 4)), draw(st.integers(1, 5)), draw(st.integers(1, 6)))
    paddings = tuple(draw(st.integers(0, 3)) for _ in range(4))
    try:
        window = Window(*map_sizes, draw(pair), draw(pair), draw(pair), paddings)  # type: ignore[arg-type]
    except NetworkError:
        window = Window(*map_sizes, (1, 1))
    order = draw(st.sampled_from(["vector", "channels"]))
    divisors = [n for n in range(1, 5) if order == "channels" or map_sizes[0] % n == 0]
    return WindowTiming(window, draw(st.sampled_from(divisors)), order, draw(st.sampled_from([0, 0, 1, 7, 60])))


def ends(pipeline: WindowTiming, frames: int) -> list[int]:
    """Cycles in which the last word of each frame is taken, neither side waiting."""
    before, behind = Link(), Link()
    units = (
        (source(before, frames * pipeline.words_in), (before,)),
        (pipeline.flow(before, behind, frames), (before, behind)),
        (sink(behind, frames * pipeline.words_out), (behind,)),
    )
    Timeline(units).finish()
    assert len(before.taken) == frames * pipeline.words_in
    return behind.taken[pipeline.words_out - 1 :: pipeline.words_out]


@fixed
@given(pipelines())
def test_walk(pipeline: WindowTiming) -> None:
    """The steps of the loops that are built lead past the taps, and to the next frame; the coordinates too."""
    p = pipeline
    taps = p.window.taps()
    words = np.arange(p.position_words)
    if p.order == "vector":
        expected = taps[:, :, None] * p.position_words + words
    else:
        expected = taps[:, None, :] * p.position_words + words[:, None]
    expected = np.where(expected < 0, -1, expected)
    assert np.array_equal(np.where(p.inside, p.values("index"), -1), expected.reshape(-1))
    names = ["index", "base", *(name for name in ("y", "x") if p.outside(name))]
    for name in names:
        steps = dict(enumerate(p.steps(name)))
        places = [loop.size for loop in p.loops]
        assert int(np.prod(places)) == p.words_out
        value, turn = p.start[name], [0] * len(places)
        for want in p.values(name):
            assert value == want
            level = next((i for i in reversed(range(len(places))) if turn[i] < places[i] - 1), len(places))
            value += steps[level]
            for i in range(level if level < len(places) else 0, len(places)):
                turn[i] = turn[i] + 1 if i == level else 0
        assert value == p.start[name] + (p.words_in if name in ("index", "base") else 0)


@fixed
@given(pipelines())
def test_interval(pipeline: WindowTiming) -> None:
    """max(words in, words out), and not a cycle more; with a word less of room it is more."""
    p = pipeline
    measured = np.diff(ends(p, 8))[3:]
    assert set(measured.tolist()) == {max(p.words_in, p.words_out)} == {p.interval}
    assert ends(p, 1) == [p.latency]
    tight = WindowTiming(p.window, p.lanes, p.order)
    tight.__dict__["window_words"] = tight.window_words - 1
    # Too little room for the first word that is read, or for words that are read at the same time, and nothing moves.
    least = max(int((tight.needs - tight.values("base")).max()), 1)
    if tight.window_words >= least:
        assert ends(tight, 16)[-1] - ends(tight, 8)[-1] > 8 * p.interval


@fixed
@given(pipelines())
def test_buffer(pipeline: WindowTiming) -> None:
    """At every window, as many words as the buffer holds reach from the first still to be read to the last accepted."""
    p = pipeline
    words = p.values("index")[p.inside]
    numbers = np.flatnonzero(p.inside)
    if not len(words):
        # Nothing is ever read: whatever the memory is, it can't be wrong.
        assert p.buffer_words == 1
        return
    held = []
    for word in range(0, p.words_out, p.words_each):
        live = words[numbers >= word]
        oldest = live.min() if len(live) else words.min() + p.words_in
        held.append(p.room(word) - min(oldest, words.min() + p.words_in))
    assert p.buffer_words == max(held)


def test_convolutional_network() -> None:
    """CNV on CIFAR-10, a word and a quarter of one per position: words of the buffer, interval of each layer."""
    for window in CNV:
        for lanes in (window.channels, max(window.channels // 4, 1)):
            p = WindowTiming(window, lanes, "vector" if window.kernel == (3, 3) else "channels")
            words = -(-window.channels // lanes)
            assert p.interval == max(window.height * window.width, window.positions * window.area) * words
            rows = (window.span[0] + window.stride[0]) * window.width * words
            assert p.buffer_words <= rows


@pytest.mark.parametrize(
    "window, words",
    [
        # A wire through a memory: written, read, given up.
        (Window(1, 4, 4, (1, 1)), 2),
        # From the first tap to the last: what a window gives up is replaced before the next one's last tap is due.
        (Window(1, 20, 5, (3, 3), padding=(1, 1, 1, 1)), 2 * 5 + 3),
        (Window(1, 1, 50, (1, 5), padding=(0, 2, 0, 2)), 5),
    ],
)
def test_buffer_of_plain_windows(window: Window, words: int) -> None:
    assert WindowTiming(window, 1, "vector").buffer_words == words


def test_memory() -> None:
    """A power of two where it costs nothing."""
    p = WindowTiming(Window(64, 30, 30, (3, 3)), 32, "vector")
    assert p.buffer_words == 235
    ecp5, ice40 = technology("ecp5"), technology("ice40")
    assert (p.buffer_style(32, ecp5), p.memory_words(32, ecp5)) == ("block", 256)
    p = WindowTiming(Window(64, 30, 30, (3, 3)), 64, "vector")
    assert (p.buffer_words, p.memory_words(64, ecp5)) == (118, 128)
    line = WindowTiming(Window(8, 1, 140, (1, 9), (1, 2)), 8, "vector")
    assert (line.buffer_words, line.buffer_style(8, ecp5), line.memory_words(8, ecp5)) == (11, "registers", 11)
    wide = WindowTiming(Window(16, 1, 140, (1, 9), (1, 2)), 16, "vector")
    assert (wide.buffer_style(16, ecp5), wide.memory_words(16, ecp5)) == ("distributed", 16)
    assert (wide.buffer_style(16, ice40), wide.memory_words(16, ice40)) == ("block", 16)


def test_streams() -> None:
    """Positions come in words of lanes; vectors leave as such, or tap by tap for each word of channels."""
    window, tech = Window(6, 4, 4, (3, 3)), technology("generic")
    vectors = WindowUnit(window, 2, 3, 1, "vector", tech)
    assert vectors.inputs == (StreamFormat(3, 2, 6, 96),)
    assert vectors.outputs == (StreamFormat(3, 2, 54, 4 * 54),)
    assert (vectors.width, vectors.spare, vectors.repeats) == (6, 0, 1)
    channels = WindowUnit(window, 2, 4, 1, "channels", tech)
    assert channels.inputs == (StreamFormat(4, 2, 6, 96),)
    assert channels.outputs == (StreamFormat.whole_words(4, 2, 4 * 9 * 2),)
    for unit in (vectors, channels):
        assert unit.inputs[0].words == unit.timing.words_in
        assert unit.outputs[0].words == unit.timing.words_out


def test_room_in_front() -> None:
    """Words by which the stream in front may run ahead are places of the buffer, and nothing else changes."""
    window = Window(6, 4, 4, (3, 3))
    plain, spare = (WindowTiming(window, 3, "vector", more) for more in (0, 5))
    assert WindowTiming(window, 3, "vector") == plain
    assert spare.buffer_words == plain.buffer_words + 5
    assert spare.window_words == plain.window_words + 5
    assert (spare.interval, spare.latency) == (plain.interval, plain.latency)
    with pytest.raises(ValueError, match=r"^spare must not be negative, not -1$"):
        WindowTiming(window, 3, "vector", -1)


def test_what_a_unit_refuses() -> None:
    window, tech = Window(6, 4, 4, (3, 3)), technology("generic")
    with pytest.raises(ValueError, match=r"^bits must be positive, not 0$"):
        WindowUnit(window, 0, 3, 0, "vector", tech)
    for code in (-1, 4):
        with pytest.raises(ValueError, match=rf"^padding_code must be in 0\.\.3, not {code}$"):
            WindowUnit(window, 2, 3, code, "vector", tech)
    assert WindowUnit(window, 2, 3, 3, "vector", tech).padding_code == 3
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        WindowUnit(window, 2, 0, 0, "vector", tech)


def test_errors() -> None:
    window = Window(6, 4, 4, (3, 3))
    message = re.escape("order must be one of vector, channels, not 'rows'")
    with pytest.raises(ValueError, match=rf"^{message}$"):
        WindowTiming(window, 1, "rows")
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        WindowTiming(window, 0, "channels")
    with pytest.raises(ValueError, match=r"^lanes must be a divisor of 6 channels, not 4$"):
        WindowTiming(window, 4, "vector")
    assert WindowTiming(window, 4, "channels").position_words == 2
