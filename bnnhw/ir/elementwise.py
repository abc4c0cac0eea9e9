"""Layers that turn each element of a feature map into one: activations and affines of each channel's own.

Position, channel and stream order are those of :class:`~bnnhw.ir.window.Window`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.layers import Activation, Thresholds
from bnnhw.ir.types import DataType

__all__ = ["Affine", "Quantize"]


class _ElementWise:
    """The map keeps its shape."""

    shape: tuple[int, int, int]

    @property
    def shape_in(self) -> tuple[int, int, int]:
        return self.shape

    @property
    def shape_out(self) -> tuple[int, int, int]:
        return self.shape


@dataclass(frozen=True)
class Quantize(_ElementWise):
    """Element by element, an activation of its own for each channel: integers to codes.

    Parameters
    ----------
    name : str
    shape : (int, int, int)
        Channels, height, width of the map.
    input : DataType
    activation : FloatActivation or Thresholds
        One row a channel; thresholds are in units of the element's value.
    """

    name: str
    shape: tuple[int, int, int]
    input: DataType
    activation: Activation

    def __post_init__(self) -> None:
        if self.activation.neurons != self.shape[0]:
            raise NetworkError(
                f"layer {self.name}: activation must have {self.shape[0]} channels, not {self.activation.neurons}"
            )
        if isinstance(self.activation, Thresholds):
            low, high = self.input.minimum, self.input.maximum
            values = self.activation.values
            if values.min() < low or values.max() > high + 1:
                raise NetworkError(f"layer {self.name}: thresholds must be in {low}..{high + 1}")

    @property
    def output(self) -> DataType:
        return self.activation.dtype


@dataclass(frozen=True, eq=False)
class Affine(_ElementWise):
    """Element by element, ``y = multiplier * x + offset``, integers of each channel's own: a batch norm in integers.

    Parameters
    ----------
    name : str
    shape : (int, int, int)
        Channels, height, width of the map.
    input : DataType
    multiplier, offset : int64 array (channels,)
        In units of the element's value.
    """

    name: str
    shape: tuple[int, int, int]
    input: DataType
    multiplier: NDArray[np.int64]
    offset: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("multiplier", "offset"):
            array = np.array(getattr(self, name), np.int64)
            if array.shape != (self.shape[0],):
                raise NetworkError(f"layer {self.name}: {name} must have shape ({self.shape[0]},), not {array.shape}")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        _ = self.output  # Refuses results that are too wide.

    @cached_property
    def output(self) -> DataType:
        ends = [
            int(m) * end + int(o)
            for m, o in zip(self.multiplier, self.offset, strict=True)
            for end in (self.input.minimum, self.input.maximum)
        ]
        return DataType.emitted(self.name, min(ends), max(ends))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Affine):
            return NotImplemented
        same = (self.name, self.shape, self.input) == (other.name, other.shape, other.input)
        return same and np.array_equal(self.multiplier, other.multiplier) and np.array_equal(self.offset, other.offset)

    __hash__ = None  # type: ignore[assignment]
