"""Sum pooling over feature maps.

Position, channel and stream order are those of :class:`~bnnhw.ir.window.Window`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from bnnhw.ir.codec import CODECS, Codec, LayerReader, LayerWriter
from bnnhw.ir.layer import Layer, Shape
from bnnhw.ir.types import DataType
from bnnhw.ir.window import Window

__all__ = ["SumPool"]


@dataclass(frozen=True)
class SumPool(Layer):
    """The sum of the codes under the window, channel by channel: for bits their popcount, the +1s under the window.

    Bipolar elements are summed as 0 and 1 (``popcount = (sum + area) / 2``), numbers as their values. Padding adds 0.
    Average pooling is this and a factor, which folds into what follows.

    Parameters
    ----------
    name : str
    window : Window
    input : DataType
    """

    kind: ClassVar[str] = "sum_pool"

    name: str
    window: Window = field()  # pyright: ignore[reportIncompatibleVariableOverride]
    input: DataType

    def __post_init__(self) -> None:
        _ = self.output  # Refuses sums that are too wide.

    @property
    def stem(self) -> str:
        return "sum"

    @property
    def output(self) -> DataType:
        low = 0 if self.input.kind == "bipolar" else self.input.minimum
        return DataType.emitted(self.name, low * self.window.area, self.input.maximum * self.window.area)

    @property
    def shape_in(self) -> Shape:
        return self.window.shape

    @property
    def shape_out(self) -> Shape:
        return (self.window.channels, self.window.out_height, self.window.out_width)


def _describe(layer: SumPool, out: LayerWriter) -> dict[str, Any]:
    return {"window": out.window(layer.window)}


def _read(entry: LayerReader) -> SumPool:
    return SumPool(entry.name, input=entry.input, window=entry.window())


CODECS.add(SumPool, Codec(_describe, _read))
