"""What a network takes, and how raw samples become its elements."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.files import LATER
from bnnhw.ir.types import MAX_PLANES, DataType

__all__ = ["LAYOUTS", "InputSpec", "Row"]

Row: TypeAlias = tuple[float, ...]
"""Thresholds of one element, ascending."""

LAYOUTS = ("chw", "hwc", "hcw", "cwh", "wch", "whc")
"""Orders in which a raw sample may hold a map, the last axis fastest: channels first, channels last, and the others."""


@dataclass(frozen=True)
class InputSpec:
    """What a network takes.

    Parameters
    ----------
    shape : tuple of int
        Shape of one frame: ``(features,)``, or ``(channels, height, width)``; elements enter the
        accelerator channel fastest, then width, then height.
    dtype : DataType
        Type of one element.
    thresholds : tuple of float, tuple of such tuples, or None
        How a raw sample becomes an element: its level is the number of thresholds that are less than
        or equal to it, so there are ``dtype.levels - 1`` of them, ascending (equal ones and infinity
        skip levels). One row for all elements, one per channel, or one per element in the order in which elements
        enter. None: samples are the values of elements already.
    falling : tuple of bool
        One per row of thresholds: whether the level is the number of thresholds that are greater than the sample
        instead, so that it falls where the sample rises. Empty: no row falls.
    layout : str
        One of :data:`LAYOUTS`: how a raw sample holds the map.
    """

    shape: tuple[int, ...]
    dtype: DataType
    thresholds: Row | tuple[Row, ...] | None = None
    falling: tuple[bool, ...] = field(default=(), metadata=LATER)
    layout: str = field(default=LAYOUTS[0], metadata=LATER)

    def __post_init__(self) -> None:
        if self.dtype.bits > MAX_PLANES:
            raise NetworkError(f"input: elements must have at most {MAX_PLANES} bits, not {self.dtype.bits}")
        if len(self.shape) not in (1, 3) or any(size < 1 for size in self.shape):
            raise NetworkError(f"input: shape must be (features,) or (channels, height, width), not {self.shape}")
        if self.layout not in LAYOUTS:
            raise NetworkError(f"input: layout must be one of {', '.join(LAYOUTS)}, not {self.layout!r:.60}")
        if self.layout != LAYOUTS[0] and len(self.shape) == 1:
            raise NetworkError(f"input: layout must be {LAYOUTS[0]} for features, not {self.layout}")
        rows = self.rows
        if len(rows) == 1:
            object.__setattr__(self, "thresholds", rows[0])
        if not any(self.falling):
            object.__setattr__(self, "falling", ())
        elif len(self.falling) != len(rows):
            raise NetworkError(f"input: falling must have one entry per row ({len(rows)}), not {len(self.falling)}")
        if len(rows) not in (0, 1, self.map[0], self.elements):
            raise NetworkError(
                f"input: thresholds must have one row, one per channel ({self.map[0]}) or one per element "
                f"({self.elements}), not {len(rows)}"
            )
        number = self.dtype.levels - 1
        for row in rows:
            if len(row) != number:
                raise NetworkError(f"input: {self.dtype} must have {number} thresholds, not {len(row)}")
            # Written so that a NaN anywhere fails too.
            if not all(a <= b for a, b in pairwise(row)) or any(t != t for t in row):
                raise NetworkError("input: thresholds must ascend")

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of thresholds: none, one for all elements, one per channel or one per element."""
        if self.thresholds is None:
            return ()
        if self.thresholds and isinstance(self.thresholds[0], tuple):
            return self.thresholds  # type: ignore[return-value]
        return (self.thresholds,)  # type: ignore[return-value]

    @cached_property
    def table(self) -> NDArray[np.float64]:
        """The thresholds as an array (rows, levels - 1)."""
        return np.array(self.rows, np.float64).reshape(len(self.rows), self.dtype.levels - 1)

    @property
    def map(self) -> tuple[int, int, int]:
        """Channels, height, width of a frame; features are channels."""
        channels, height, width = (*self.shape, 1, 1)[:3]
        return channels, height, width

    @property
    def elements(self) -> int:
        """Elements per frame."""
        return math.prod(self.shape)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one raw sample: that of a frame in the order of its layout."""
        if len(self.shape) == 1:
            return self.shape
        return tuple(self.shape[LAYOUTS[0].index(axis)] for axis in self.layout)

    @property
    def per(self) -> str | None:
        """What has thresholds of its own: ``"input"`` (all elements share them), ``"channel"``, ``"element"``."""
        rows = len(self.rows)
        if not rows:
            return None
        return "input" if rows == 1 else "channel" if rows == self.map[0] else "element"

    def places(self) -> NDArray[np.int64]:
        """Where a flat raw sample holds each element, in the order in which elements enter: int64 (elements,)."""
        index = np.arange(self.elements)
        if len(self.shape) == 1:
            return index
        return index.reshape(self.sample_shape).transpose([self.layout.index(axis) for axis in "hwc"]).ravel()

    def requantized(self, dtype: DataType, places: NDArray[np.integer]) -> InputSpec:
        """The same samples in fewer levels.

        Parameters
        ----------
        dtype : DataType
        places : integer array (dtype.levels - 1,)
            The present level that each new one begins with, ascending: 0 is reached always, one more than there are
            never.
        """
        rows: list[Row] = []
        for row, falls in zip(self.rows, self.falling or (False,) * len(self.rows), strict=True):
            ends = [-math.inf, *row, math.inf]
            kept = [ends[-1 - place] for place in places[::-1]] if falls else [ends[place] for place in places]
            rows.append(tuple(kept))
        return replace(self, dtype=dtype, thresholds=tuple(rows))

    def encode(self, samples: NDArray[np.number]) -> NDArray[np.uint8]:
        """Raw samples ``(frames, *sample_shape)``, ``(frames, *shape)`` or ``(frames, elements)`` -> codes.

        Codes (frames, elements) come in stream order: channel fastest, then width, then height.
        """
        array = np.asarray(samples)
        if array.shape[1:] not in (self.shape, self.sample_shape, (self.elements,)):
            sizes = ", ".join(map(str, self.sample_shape))
            raise NetworkError(f"samples must have shape (frames, {sizes}), not {array.shape}")
        if array.dtype.kind == "f" and np.isnan(array).any():
            frame = int(np.argwhere(np.isnan(array.reshape(len(array), -1)))[0, 0])
            raise NetworkError(f"samples must be numbers, not NaN as in frame {frame}")
        if array.shape[1:] not in (self.sample_shape, (self.elements,)):
            array = array.transpose(0, *(1 + LAYOUTS[0].index(axis) for axis in self.layout))
        array = array.reshape(len(array), self.elements)[:, self.places()]
        if self.thresholds is not None:
            return self.dtype.codes(self._levels(array))
        if self.dtype.kind == "bipolar":
            if not np.isin(array, (-1, 1)).all():
                raise NetworkError(f"samples of a bipolar input must be -1 or +1, and are {_span(array)}")
            return (array > 0).astype(np.uint8)
        if ((array < self.dtype.minimum) | (array > self.dtype.maximum)).any() or (array != np.rint(array)).any():
            raise NetworkError(
                f"samples of {'an' if self.dtype.kind == 'int' else 'a'} {self.dtype} input must be integers in "
                f"{self.dtype.minimum}..{self.dtype.maximum}, and are {_span(array)}"
            )
        return (array.astype(np.int64) & (self.dtype.levels - 1)).astype(np.uint8)

    def _levels(self, array: NDArray[np.number]) -> NDArray[np.int64]:
        """Levels of samples (frames, elements) in stream order."""
        rows = len(self.table)
        columns = array.reshape(len(array), self.elements // rows, rows)
        levels = np.empty(columns.shape, np.int64)
        for number, row in enumerate(self.table):
            levels[..., number] = np.searchsorted(row, columns[..., number], side="right")
        if self.falling:
            levels = np.where(self.falling, self.dtype.levels - 1 - levels, levels)
        return levels.reshape(len(array), self.elements)


def _span(array: NDArray[np.number]) -> str:
    """What numbers an array holds, in words."""
    whole = "whole numbers" if (array == np.rint(array)).all() else "numbers"
    return f"{whole} from {float(array.min()):g} to {float(array.max()):g}"
