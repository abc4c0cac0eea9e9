"""Pooling over feature maps: greatest, least, sum.

Position, channel and stream order are those of :class:`~bnnhw.ir.window.Window`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.types import DataType
from bnnhw.ir.window import Window

__all__ = ["MaxPool", "SumPool"]


class _Pool:
    """Every channel by itself: as many come out as go in."""

    window: Window

    @property
    def shape_in(self) -> tuple[int, int, int]:
        return (self.window.channels, self.window.height, self.window.width)

    @property
    def shape_out(self) -> tuple[int, int, int]:
        return (self.window.channels, self.window.out_height, self.window.out_width)


@dataclass(frozen=True, eq=False)
class MaxPool(_Pool):
    """The greatest element under the window, channel by channel; in some channels the least.

    The least is what a layer needs whose norm has a negative gamma and that pools before its norm: with the threshold
    moved before the pool, ``max`` of accumulators becomes AND of bits there. Padding never wins.

    Parameters
    ----------
    name : str
    window : Window
        No window may lie wholly in the padding.
    input : DataType
        Also of the output.
    minimum : bool array (channels,)
        Channels that take the least element.
    """

    name: str
    window: Window
    input: DataType
    minimum: NDArray[np.bool_]

    def __post_init__(self) -> None:
        array = np.array(self.minimum, np.bool_)
        if array.shape != (self.window.channels,):
            raise NetworkError(f"layer {self.name}: minimum must have shape ({self.window.channels},)")
        array.setflags(write=False)
        object.__setattr__(self, "minimum", array)
        if self.window.lost:
            raise NetworkError(f"layer {self.name}: padding must leave something to pool in every window")

    @property
    def output(self) -> DataType:
        return self.input

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MaxPool):
            return NotImplemented
        return (self.name, self.window, self.input) == (other.name, other.window, other.input) and np.array_equal(
            self.minimum, other.minimum
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class SumPool(_Pool):
    """The sum of the codes under the window, channel by channel: for bits their popcount, the +1s under the window.

    Bipolar elements are summed as 0 and 1 (``popcount = (sum + area) / 2``), numbers as their values. Padding adds 0.
    Average pooling is this and a factor, which folds into what follows.

    Parameters
    ----------
    name : str
    window : Window
    input : DataType
    """

    name: str
    window: Window
    input: DataType

    def __post_init__(self) -> None:
        _ = self.output  # Refuses sums that are too wide.

    @property
    def output(self) -> DataType:
        low = 0 if self.input.kind == "bipolar" else self.input.minimum
        return DataType.emitted(self.name, low * self.window.area, self.input.maximum * self.window.area)
