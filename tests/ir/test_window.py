"""The geometry of windows: cases by hand, and every tap against plain loops."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import NetworkError
from bnnhw.ir import Window
from bnnhw.ir.window import MAX_ELEMENTS, MAX_TAPS
from tests.map_strategies import windows
from tests.strategies import fixed

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))


def naive_taps(window: Window) -> list[list[int]]:
    """The input position of every tap, by moving the window over the padded map tap by tap."""
    top, left, bottom, right = window.padding
    found = []
    y = -top
    while y + window.dilation[0] * (window.kernel[0] - 1) < window.height + bottom:
        x = -left
        while x + window.dilation[1] * (window.kernel[1] - 1) < window.width + right:
            taps = []
            for i in range(window.kernel[0]):
                for j in range(window.kernel[1]):
                    row, column = y + i * window.dilation[0], x + j * window.dilation[1]
                    inside = 0 <= row < window.height and 0 <= column < window.width
                    taps.append(row * window.width + column if inside else -1)
            found.append(taps)
            x += window.stride[1]
        y += window.stride[0]
    return found


@fixed
@given(SHAPES.flatmap(lambda shape: windows(shape, padding=3)))
def test_taps_are_those_of_a_loop(window: Window) -> None:
    expected = naive_taps(window)
    assert window.taps().tolist() == expected
    assert (window.positions, window.area) == (len(expected), len(expected[0]))
    assert window.padded == any(tap < 0 for taps in expected for tap in taps)
    assert window.lost == any(all(tap < 0 for tap in taps) for taps in expected)


@pytest.mark.parametrize(
    "window, out, taps",
    [
        # 2 x 2 over 2 x 3: two positions side by side.
        (Window(1, 2, 3, (2, 2)), (1, 2), [[0, 1, 3, 4], [1, 2, 4, 5]]),
        # Stride 2 leaves the last column out.
        (Window(5, 1, 6, (1, 3), stride=(1, 2)), (1, 2), [[0, 1, 2], [2, 3, 4]]),
        # Dilation 2: taps two apart.
        (Window(1, 1, 6, (1, 3), dilation=(1, 2)), (1, 2), [[0, 2, 4], [1, 3, 5]]),
        # One row of padding above, one column on the right.
        (Window(1, 1, 2, (2, 2), padding=(1, 0, 0, 1)), (1, 2), [[-1, -1, 0, 1], [-1, -1, 1, -1]]),
        # The whole map: global pooling.
        (Window(7, 2, 2, (2, 2)), (1, 1), [[0, 1, 2, 3]]),
    ],
)
def test_by_hand(window: Window, out: tuple[int, int], taps: list[list[int]]) -> None:
    assert (window.out_height, window.out_width) == out
    assert window.taps().tolist() == taps


def test_sizes_of_known_layers() -> None:
    """Output sizes as published: AlexNet's first layer, ResNet's first layer and pool, CNV's first layer."""
    alexnet = Window(3, 227, 227, (11, 11), (4, 4))
    assert (alexnet.out_height, alexnet.out_width, alexnet.positions * alexnet.area) == (55, 55, 366_025)
    resnet = Window(3, 224, 224, (7, 7), (2, 2), padding=(3, 3, 3, 3))
    assert (resnet.out_height, resnet.out_width) == (112, 112)
    pool = Window(64, 112, 112, (3, 3), (2, 2), padding=(1, 1, 1, 1))
    assert (pool.out_height, pool.out_width) == (56, 56)
    cnv = Window(3, 32, 32, (3, 3))
    assert (cnv.out_height, cnv.out_width, cnv.span, cnv.elements) == (30, 30, (3, 3), 3072)


def test_padding_that_no_window_reaches() -> None:
    """Stride 2 over 4 columns and one of padding: the last window ends at column 3."""
    window = Window(1, 1, 4, (1, 2), stride=(1, 2), padding=(0, 0, 0, 1))
    assert not window.padded
    assert window.padded_width == 5


@pytest.mark.parametrize(
    "window, lost",
    [
        (Window(1, 1, 4, (1, 2), padding=(0, 1, 0, 1)), False),
        # The first window covers columns -2 and -1.
        (Window(1, 1, 4, (1, 2), padding=(0, 2, 0, 0)), True),
        # The last window covers columns 4 and 5.
        (Window(1, 1, 4, (1, 2), padding=(0, 0, 0, 2)), True),
        # Taps at -1 and 2 around the map of columns 0 and 1: dilation steps over it.
        (Window(1, 1, 2, (1, 2), dilation=(1, 3), padding=(0, 1, 0, 1)), True),
        # The same in a map of 3 columns: the tap at 2 is inside, and so is that at 0 of the next window.
        (Window(1, 1, 3, (1, 2), dilation=(1, 3), padding=(0, 1, 0, 1)), False),
    ],
)
def test_windows_in_the_padding_alone(window: Window, lost: bool) -> None:
    assert window.lost == lost
    assert bool((window.taps() < 0).all(axis=1).any()) == lost


def test_refusals() -> None:
    def refuse(message: str, *sizes: object, **other: object) -> None:
        with pytest.raises(NetworkError, match=rf"^{re.escape(message)}$"):
            Window(*sizes, **other)  # type: ignore[arg-type]

    fit = "must fit the padded map of"
    refuse(f"window: kernel 3 x 1 with dilation 1 x 1 {fit} 2 x 9", 1, 2, 9, (3, 1))
    refuse(
        f"window: kernel 2 x 2 with dilation 1 x 4 {fit} 4 x 4", 1, 4, 2, (2, 2), dilation=(1, 4), padding=(0, 1, 0, 1)
    )
    values = "kernel=(1, 1), stride=(1, 1), dilation=(1, 1), padding=(0, 0, 0, 0)"
    sizes = "window: sizes must be in 1..1048575, padding in 0..1048575, not"
    refuse(f"{sizes} Window(channels=0, height=1, width=1, {values})", 0, 1, 1, (1, 1))
    refuse(f"{sizes} Window(channels=1, height=1, width={1 << 20}, {values})", 1, 1, 1 << 20, (1, 1))
    negative = values.replace("(0, 0, 0, 0)", "(0, 0, -1, 0)")
    refuse(f"{sizes} Window(channels=1, height=1, width=1, {negative})", 1, 1, 1, (1, 1), padding=(0, 0, -1, 0))


def test_giants_are_refused_before_allocation() -> None:
    tracemalloc.start()
    # 2**13 + 1 positions of 2**13 taps: one row of taps beyond the bound.
    with pytest.raises(
        NetworkError,
        match=rf"^window: positions times kernel must be at most {MAX_TAPS} taps per frame, not {MAX_TAPS + 8192}$",
    ):
        Window(1, 1, 1 << 14, (1, 1 << 13))
    Window(1, 1, (1 << 14) - 1, (1, 1 << 13))
    size = 1 << 16
    with pytest.raises(
        NetworkError,
        match=rf"^window: the padded map must have at most {MAX_ELEMENTS} elements, not {MAX_ELEMENTS + 1}$",
    ):
        Window(1, 1, size, (1, 1), stride=(1 << 15, 1 << 15), padding=((1 << 15) - 1, 0, 0, 0))
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_taps_are_64_bit() -> None:
    assert Window(1, 2, 2, (1, 1)).taps().dtype == np.int64
