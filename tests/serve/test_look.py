"""Drawings and photos become frames as the data set has them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bnnhw.errors import FileError, RequestError
from bnnhw.ir import DataType, InputSpec
from bnnhw.serve.look import Look

LIST = InputSpec((64,), DataType("uint", 4), tuple(map(float, range(1, 16))))
COLOURS = InputSpec((3, 8, 8), DataType("uint", 8), tuple(map(float, range(1, 256))), layout="hwc")


def png(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array.astype(np.uint8)).save(file, "png")
    return file.getvalue()


def characters(bright: bool) -> NDArray[np.float64]:
    """Ten frames 0 to 16 of one bar each, five pixels high and two wide, in the middle."""
    frames = np.zeros((10, 8, 8))
    frames[:, 2:7, 3:5] = 16
    return (16 - frames if bright else frames).reshape(10, 64)


@pytest.mark.parametrize("bright", [False, True])
def test_a_drawing_is_where_the_characters_are(bright: bool) -> None:
    look = Look.of(LIST, characters(bright))
    assert look is not None
    assert look.written and look.bright == bright
    assert look.box == (5 / 8, 2 / 8)
    assert look.centre == (4.5 / 8, 4 / 8)
    # Ink of 10 of 64 pixels, in a line of 2.6 times 5 pixels.
    assert look.pen == pytest.approx(10 / (2.6 * 5) / 8)
    # A bar of the same shape, elsewhere and ten times as large.
    board = np.zeros((280, 280))
    board[10:60, 250:270] = 255
    drawn = look.drawn(png(board), LIST)
    assert drawn.tolist() == characters(bright)[0].tolist()
    # Dark on bright paper, as one photographs it.
    assert look.photo(png(255 - board), LIST).tolist() == characters(bright)[0].tolist()


def test_what_is_of_the_right_size_stays() -> None:
    look = Look.of(LIST, characters(False))
    assert look is not None
    ramp = np.arange(64).reshape(8, 8) * 4
    assert look.photo(png(ramp), LIST).tolist() == np.round(ramp.ravel() / 255 * 16).tolist()


def test_a_photo_keeps_its_middle_and_its_colours() -> None:
    look = Look.of(COLOURS, None)
    assert look is not None and not look.written and look.channels == 3
    photo = np.zeros((16, 32, 3))
    photo[:, 8:24] = (255, 128, 0)
    sample = look.photo(png(photo), COLOURS)
    assert sample.shape == (8, 8, 3)
    assert (sample == (255, 128, 0)).all()


def test_what_is_no_picture() -> None:
    look = Look.of(LIST, None)
    assert look is not None
    with pytest.raises(RequestError, match=r"^nothing is drawn$"):
        look.drawn(png(np.zeros((20, 20))), LIST)
    with pytest.raises(FileError, match=r"^must be a picture: "):
        look.photo(b"GIF89a", LIST)


@pytest.mark.parametrize("shape", [(63,), (25,), (2, 8, 8), (1, 1, 140), (4,)])
def test_what_takes_no_pictures(shape: tuple[int, ...]) -> None:
    assert Look.of(InputSpec(shape, DataType("bipolar", 1), (0.0,)), None) is None


def test_frames_that_are_no_characters() -> None:
    rng = np.random.default_rng(1)
    look = Look.of(LIST, rng.integers(0, 17, (50, 64)))
    assert look is not None and not look.written
    assert (look.low, look.high) == (0, 16)
