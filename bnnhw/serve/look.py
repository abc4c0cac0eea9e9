"""How pictures of a data set look, and how drawings and photos become such pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError, RequestError
from bnnhw.flow.pictures import picture_shape
from bnnhw.ir import InputSpec

__all__ = ["Look"]

LEARNED = 500
"""Frames that a look is learned from."""

INK = 0.3
"""Share of the full range from which a pixel counts as drawn on."""

LENGTH = 2.6
"""How long the line of a written character is, in its heights, about: what a pen's width is told by."""


@dataclass(frozen=True)
class Look:
    """What is common to the pictures that a network was made for.

    Parameters
    ----------
    channels, height, width : int
    low, high : float
        Darkest and brightest sample.
    written : bool
        Whether they are characters: one colour on a plain ground.
    bright : bool
        Whether that ground is the brighter one.
    box : (float, float)
        Height of a character and its greatest width, as shares of the picture's.
    centre : (float, float)
        Where its box has its centre, from the top and from the left, as shares.
    pen : float
        Width of its line, as a share of the picture's height.
    """

    channels: int
    height: int
    width: int
    low: float
    high: float
    written: bool = False
    bright: bool = False
    box: tuple[float, float] = (0.75, 0.75)
    centre: tuple[float, float] = (0.5, 0.5)
    pen: float = 0.08

    @classmethod
    def of(cls, spec: InputSpec, frames: NDArray[Any] | None) -> Look | None:
        """That of a network's frames; None where it takes no pictures.

        Parameters
        ----------
        spec : InputSpec
        frames : array (frames, ...), optional
            Some of its data set. Without them pixels are taken to be 0 to 255, dark where nothing is.
        """
        if (shape := picture_shape(spec)) is None:
            return None
        height, width, channels = shape
        if frames is None or not len(frames):
            return cls(channels, height, width, 0.0, 255.0, written=channels == 1)
        rows = frames[:LEARNED].reshape(len(frames[:LEARNED]), -1)[:, spec.places()].astype(np.float64)
        low, high = float(rows.min()), float(rows.max())
        if channels == 3 or high == low:
            return cls(channels, height, width, low, max(high, low + 1.0))
        return cls(1, height, width, low, high, **_written((rows.reshape(-1, height, width) - low) / (high - low)))

    def drawn(self, picture: bytes, spec: InputSpec) -> NDArray[np.float64]:
        """A sample of what was drawn: bright on a dark ground, wherever and however large.

        Parameters
        ----------
        picture : bytes
            A PNG.
        spec : InputSpec

        Returns
        -------
        float64 array, of the shape that the network takes

        Raises
        ------
        RequestError
            When nothing is drawn.
        FileError
            When it is no picture.
        """
        return self._sample(self._placed(np.asarray(_opened(picture).convert("L"), np.float64) / 255)[..., None], spec)

    def photo(self, picture: bytes, spec: InputSpec) -> NDArray[np.float64]:
        """A sample of a picture of any size: its middle, scaled; a character is found on its ground and placed."""
        from PIL import Image

        image = _opened(picture).convert("L" if self.channels == 1 else "RGB")
        if self.written and image.size != (self.width, self.height):
            grey = np.asarray(image, np.float64) / 255
            ink = 1 - grey if _border(grey) > 0.5 else grey
            spread = ink.max() - ink.min()
            return self._sample(self._placed((ink - ink.min()) / spread if spread else ink * 0)[..., None], spec)
        scale = max(self.width / image.width, self.height / image.height)
        wide, high = max(round(image.width * scale), self.width), max(round(image.height * scale), self.height)
        left, top = (wide - self.width) // 2, (high - self.height) // 2
        scaled = image.resize((wide, high), Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC)
        array = np.asarray(scaled.crop((left, top, left + self.width, top + self.height)), np.float64) / 255
        sample = array.reshape(self.height, self.width, self.channels)
        # A picture that is of the right size already has its ground as the data set has it.
        return self._sample(1 - sample if self.written and self.bright else sample, spec)

    def _placed(self, ink: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is drawn, as large as the data set's characters and where these are: (height, width), 0 to 1."""
        from PIL import Image

        rows, columns = (np.flatnonzero((ink > INK).any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            raise RequestError("nothing is drawn")
        cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        # On a grid eight times as fine, so that a character is placed more exactly than to a pixel.
        fine = 8
        scale = min(self.box[0] * self.height / cut.shape[0], self.box[1] * self.width / cut.shape[1]) * fine
        size = max(round(cut.shape[1] * scale), 1), max(round(cut.shape[0] * scale), 1)
        image = Image.fromarray(np.round(cut * 255).astype(np.uint8))
        method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
        ground = Image.new("L", (self.width * fine, self.height * fine))
        left, top = self.centre[1] * self.width * fine - size[0] / 2, self.centre[0] * self.height * fine - size[1] / 2
        ground.paste(image.resize(size, method), (round(left), round(top)))
        return np.asarray(ground.resize((self.width, self.height), Image.Resampling.BOX), np.float64) / 255

    def _sample(self, ink: NDArray[np.float64], spec: InputSpec) -> NDArray[np.float64]:
        """Shares of the range (height, width, channels) as the network takes them."""
        share = 1 - ink if self.written and self.bright else ink
        flat = np.empty(spec.elements)
        values = self.low + (self.high - self.low) * share.ravel()
        # Of a list of features the picture's order is the list's.
        flat[spec.places()] = values
        whole = self.high == round(self.high) and self.low == round(self.low) and self.high - self.low > 1
        return (np.round(flat) if whole else flat).reshape(spec.sample_shape)


def _border(picture: NDArray[np.float64]) -> float:
    """The median of a picture's edge."""
    return float(np.median(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])))


def _written(pictures: NDArray[np.float64]) -> dict[str, Any]:
    """What is said of characters: (frames, height, width), 0 to 1."""
    edges = np.concatenate([pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1]], axis=1)
    ground = float(np.median(edges))
    bright = ground > 0.5
    ink = 1 - pictures if bright else pictures
    # Corners are empty in pictures of characters, and seldom all in others.
    corners = ink[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    if np.mean(corners < INK) < 0.9:
        return {}
    boxes: list[tuple[float, float, float, float]] = []
    for picture in ink:
        rows, columns = (np.flatnonzero((picture > INK).any(axis=axis)) for axis in (1, 0))
        if len(rows):
            boxes.append((rows[0], rows[-1] + 1, columns[0], columns[-1] + 1))
    if not boxes:
        return {}
    top, bottom, left, right = np.array(boxes, np.float64).T
    _, height, width = pictures.shape
    tall = float(np.mean(bottom - top)) / height
    return {
        "written": True,
        "bright": bright,
        "box": (tall, float(np.quantile(right - left, 0.95)) / width),
        "centre": (float(np.mean(top + bottom)) / 2 / height, float(np.mean(left + right)) / 2 / width),
        "pen": float(ink.mean()) * width / (LENGTH * tall * height),
    }


def _opened(picture: bytes) -> Any:
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(picture))
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FileError(f"must be a picture: {' '.join(str(error).split())}") from None
    return image
