"""Width converters of any ratio: the bits, and the cycle of every word."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnhw.units.width.model import WidthTiming, WidthUnit
from bnnhw.units.width.rtl import WidthConverter
from rtl_tests.flow import check_flow
from rtl_tests.storage import register_bits
from rtl_tests.streams import Driver, Monitor, Run, differences, simulate


@st.composite
def timings(draw: st.DrawFn) -> WidthTiming:
    """Up, down, general and equal widths alike; the frame may be shorter than a word, or no multiple of one."""
    one, ratio, other = draw(st.integers(1, 9)), draw(st.integers(1, 6)), draw(st.integers(1, 24))
    widths = draw(st.sampled_from([(one, one * ratio), (one * ratio, one), (one, other), (other, one), (other, other)]))
    return WidthTiming(*widths, draw(st.integers(1, 90)))


def frame_traffic(timing: WidthTiming, frames: int, rng: random.Random) -> tuple[list[int], list[int]]:
    """Words in, noise past each frame's end, and the words due, filled up with ones, of some random frames."""
    words_in: list[int] = []
    words_out: list[int] = []
    for _ in range(frames):
        bits = [rng.getrandbits(1) for _ in range(timing.frame_bits)]
        noise = [rng.getrandbits(1) for _ in range(timing.input_width)]
        for words, width, tail in (
            (words_in, timing.input_width, noise),
            (words_out, timing.output_width, [1] * timing.output_width),
        ):
            for start in range(0, len(bits), width):
                chunk = (bits + tail)[start : start + width]
                words.append(sum(bit << i for i, bit in enumerate(chunk)))
    # Wires fill nothing up.
    return words_in, words_in if timing.kind == "wire" else words_out


def check(timing: WidthTiming, seed: int) -> None:
    rng = random.Random(seed)
    count_in, count_out = timing.words_in, timing.words_out

    async def scenario(bench: Run) -> None:
        # Full speed: the first frame keeps the schedule, and frames follow at the interval.
        sent, due = frame_traffic(timing, 4, rng)
        driver, monitor = Driver(sent), Monitor(len(due))
        await bench.stream(driver, monitor)
        assert monitor.words == due
        assert monitor.offered[:count_out] == timing.schedule(list(range(count_in)))
        assert set(differences(monitor.taken[count_out - 1 :: count_out][1:])) == {timing.interval}
        # One frame whose words come late.
        gaps = [rng.choice((0, 0, 1, 4)) for _ in range(count_in)]
        arrivals = [sum(gaps[: i + 1]) + i for i in range(count_in)]
        sent, due = frame_traffic(timing, 1, rng)
        driver, monitor = Driver(sent, arrivals=arrivals), Monitor(len(due))
        await bench.stream(driver, monitor)
        assert monitor.words == due
        assert monitor.offered == timing.schedule(arrivals)
        # Gaps and stalls, then a long stall that ends.
        for traffic in ((0.3, 0.3, 0), (0, 0.7, 0), (0.7, 0, 0), (0, 0, 25)):
            sent, due = frame_traffic(timing, 3, rng)
            driver, monitor = Driver(sent, traffic[0]), Monitor(len(due), traffic[1], traffic[2])
            await bench.stream(driver, monitor)
            assert monitor.words == due
        # A reset in the middle of a frame; what was begun is forgotten.
        sent, due = frame_traffic(timing, 2, rng)
        middle = rng.randrange(1, count_in + 1)
        await bench.stream(Driver(sent, 0.3), Monitor(len(due), 0.6), cycles=middle)
        await bench.reset()
        sent, due = frame_traffic(timing, 2, rng)
        driver, monitor = Driver(sent), Monitor(len(due))
        await bench.stream(driver, monitor)
        assert monitor.words == due
        assert monitor.offered[:count_out] == timing.schedule(list(range(count_in)))

    simulate(WidthConverter(WidthUnit(timing.input_width, timing.output_width, timing.frame_bits)), scenario, seed=seed)


@settings(derandomize=True, max_examples=40)
@given(timings())
def test_any_ratio(timing: WidthTiming) -> None:
    check(timing, seed=timing.frame_bits)


@pytest.mark.parametrize(
    "widths",
    [
        (1, 1, 1),  # a bit
        (8, 8, 21),  # equal widths, the frame no multiple
        (1, 8, 3),  # a frame shorter than one output word
        (12, 4, 5),  # shorter than one input word
        (3, 12, 30),  # the last output word is short of input words
        (12, 3, 32),
        (7, 5, 70),  # coprime, the frame a multiple of both
        (24, 23, 71),
        (6, 4, 2),  # general, one word each
        (5, 24, 24),
    ],
)
def test_corners(widths: tuple[int, int, int]) -> None:
    check(WidthTiming(*widths), seed=1)


def index_bits(size: int) -> int:
    """Bits of a counter over 0 .. size - 1."""
    return (size - 1).bit_length()


@pytest.mark.parametrize(
    "widths, payload",
    [((4, 4, 16), 0), ((3, 12, 36), 2 * 12 - 3), ((12, 3, 36), 12), ((6, 4, 30), 6 + 4 - 2), ((7, 5, 30), 7 + 5 - 1)],
)
def test_storage(widths: tuple[int, int, int], payload: int) -> None:
    """Bits of payload as the formulas say; beside them only counters and flags."""
    g = WidthTiming(*widths)
    unit = g.input_width + g.output_width - g.capacity
    control = {
        "wire": 0,
        # Place in the output word, word of the frame, whether either is the last, and whether one is held.
        "up": index_bits(g.output_width // g.input_width) + index_bits(g.words_in) + 3,
        "down": index_bits(g.input_width // g.output_width) + index_bits(g.words_out) + 3,
        # Units held, as a thermometer; words in, words out; whether the frame is complete, and its last word next.
        "general": g.capacity // unit + index_bits(g.words_in) + index_bits(g.words_out) + 2,
    }
    assert register_bits(WidthConverter(WidthUnit(*widths))) == payload + control[g.kind]


@pytest.mark.parametrize(
    "widths",
    [
        # Wires, up, down: the frame a multiple of words and not, shorter than a word.
        (4, 4, 14),
        (3, 12, 36),
        (3, 12, 30),
        (1, 8, 3),
        (12, 3, 32),
        (12, 4, 5),
        # General: frames whose first word completes none, one, several.
        (5, 7, 35),
        (4, 6, 14),
        (2, 3, 7),
        (5, 24, 24),
        (7, 5, 70),
        (23, 4, 71),
    ],
)
def test_flow_of_every_kind(widths: tuple[int, int, int]) -> None:
    _check_flow(WidthTiming(*widths))


@settings(derandomize=True, max_examples=20)
@given(timings())
def test_flow(timing: WidthTiming) -> None:
    _check_flow(timing)


def _check_flow(timing: WidthTiming) -> None:
    unit = WidthConverter(WidthUnit(timing.input_width, timing.output_width, timing.frame_bits))
    check_flow(unit, timing.flow, timing.words_in, timing.words_out, seed=timing.frame_bits)
