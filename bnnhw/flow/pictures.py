"""Frames as pictures: of a network that takes pictures those, of another what its numbers look like side by side."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import InputSpec

__all__ = ["picture_of", "picture_shape"]

LEAST_SIDE = 6
"""Pixels of the smallest picture; fewer are a table's features."""


def picture_shape(spec: InputSpec) -> tuple[int, int, int] | None:
    """Height, width and channels of the pictures that a network takes; None where it takes none.

    A list of numbers is one where a square of them is whole.
    """
    channels, height, width = spec.map
    if len(spec.shape) == 1:
        side = math.isqrt(channels)
        if side * side != channels:
            return None
        channels, height, width = 1, side, side
    return (height, width, channels) if channels in (1, 3) and min(height, width) >= LEAST_SIDE else None


def picture_of(spec: InputSpec, codes: NDArray[np.uint8]) -> str:
    """A frame as the network has it, as a PNG in a ``data:`` address; what is no picture has a row per channel.

    Parameters
    ----------
    spec : InputSpec
    codes : uint8 array (elements,)
    """
    from PIL import Image

    values = spec.dtype.values(codes).astype(np.float64)
    low, high = float(values.min()), float(values.max())
    grey = np.round((values - low) / (high - low or 1.0) * 255).astype(np.uint8)
    if (shape := picture_shape(spec)) is not None:
        array = grey.reshape(shape)
        image = Image.fromarray(array[:, :, 0] if shape[2] == 1 else array)
    else:
        channels, height, width = spec.map
        flat = len(spec.shape) == 1
        rows = grey[None] if flat else grey.reshape(height * width, channels).T
        image = Image.fromarray(np.ascontiguousarray(rows))
    file = io.BytesIO()
    image.save(file, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
