"""Affines of each channel's own, element by element.

Position, channel and stream order are those of :class:`~bnnhw.ir.window.Window`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.codec import CODECS, Codec, LayerReader, LayerWriter
from bnnhw.ir.layer import Layer, Shape
from bnnhw.ir.types import DataType

__all__ = ["Affine"]


@dataclass(frozen=True, eq=False)
class Affine(Layer):
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

    kind: ClassVar[str] = "affine"

    name: str
    shape: Shape
    input: DataType
    multiplier: NDArray[np.int64]
    offset: NDArray[np.int64]
    _output: DataType = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("multiplier", "offset"):
            array = np.array(getattr(self, name), np.int64)
            if array.shape != (self.shape[0],):
                raise NetworkError(f"layer {self.name}: {name} must have shape ({self.shape[0]},), not {array.shape}")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        ends = [
            int(m) * end + int(o)
            for m, o in zip(self.multiplier, self.offset, strict=True)
            for end in (self.input.minimum, self.input.maximum)
        ]
        # Derived here once, so that results that are too wide are refused.
        object.__setattr__(self, "_output", DataType.emitted(self.name, min(ends), max(ends)))

    @property
    def output(self) -> DataType:
        return self._output

    @property
    def shape_in(self) -> Shape:
        return self.shape

    @property
    def shape_out(self) -> Shape:
        return self.shape

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Affine):
            return NotImplemented
        same = (self.name, self.shape, self.input) == (other.name, other.shape, other.input)
        return same and np.array_equal(self.multiplier, other.multiplier) and np.array_equal(self.offset, other.offset)

    __hash__ = None  # type: ignore[assignment]


def _describe(layer: Affine, out: LayerWriter) -> dict[str, Any]:
    out.array("multiplier", layer.multiplier, "<i8")
    out.array("offset", layer.offset, "<i8")
    return {"shape": [int(size) for size in layer.shape]}


def _read(entry: LayerReader) -> Affine:
    dtype, shape = entry.input, entry.shape
    multiplier, offset = (entry.array(name, "<i8", shape[:1]) for name in ("multiplier", "offset"))
    return Affine(entry.name, shape, dtype, multiplier, offset)


CODECS.add(Affine, Codec(_describe, _read))
