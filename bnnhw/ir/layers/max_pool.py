"""Max pooling over feature maps: the greatest element, in some channels the least.

Position, channel and stream order are those of :class:`~bnnhw.ir.window.Window`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.codec import CODECS, Codec, LayerReader, LayerWriter
from bnnhw.ir.layer import Layer, Shape
from bnnhw.ir.types import DataType
from bnnhw.ir.window import Window

__all__ = ["MaxPool"]


@dataclass(frozen=True, eq=False)
class MaxPool(Layer):
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

    kind: ClassVar[str] = "max_pool"
    selects: ClassVar[bool] = True

    name: str
    window: Window = field()  # pyright: ignore[reportIncompatibleVariableOverride]
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
    def stem(self) -> str:
        return "pool"

    @property
    def output(self) -> DataType:
        return self.input

    @property
    def shape_in(self) -> Shape:
        return self.window.shape

    @property
    def shape_out(self) -> Shape:
        return (self.window.channels, self.window.out_height, self.window.out_width)

    def reversed_in(self, channels: NDArray[np.bool_]) -> MaxPool:
        """Where the order is reversed, the greatest element becomes the least."""
        return replace(self, minimum=self.minimum ^ channels)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MaxPool):
            return NotImplemented
        return (self.name, self.window, self.input) == (other.name, other.window, other.input) and np.array_equal(
            self.minimum, other.minimum
        )

    __hash__ = None  # type: ignore[assignment]


def _describe(layer: MaxPool, out: LayerWriter) -> dict[str, Any]:
    out.array("minimum", layer.minimum, "|u1")
    return {"window": out.window(layer.window)}


def _read(entry: LayerReader) -> MaxPool:
    dtype, window = entry.input, entry.window()
    return MaxPool(entry.name, window, dtype, entry.flags("minimum", (window.channels,)))


CODECS.add(MaxPool, Codec(_describe, _read))
