"""Truth tables at every position of a feature map.

Position, channel and stream order are those of :class:`~bnnhw.ir.window.Window`, addresses those of
:class:`~bnnhw.ir.layers.lookup.Lookup`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from bnnhw.errors import NetworkError
from bnnhw.ir.activation import Activation
from bnnhw.ir.codec import CODECS, Codec, LayerReader, LayerWriter
from bnnhw.ir.layer import Layer, Shape
from bnnhw.ir.layers.lookup import Lookup, describe_lookup, read_lookup
from bnnhw.ir.types import DataType
from bnnhw.ir.window import Window

__all__ = ["LookupConv"]


@dataclass(frozen=True)
class LookupConv(Layer):
    """A convolution of truth tables: at every position of the window, the same tables on the window's elements.

    Parameters
    ----------
    window : Window
    tables : Lookup
        Its name is the layer's. Its inputs are the elements under the window, (kernel y, kernel x, channel), channel
        fastest: ``area * channels`` of them, of which each neuron reads a few of any channel.
    padding_code : int
        The element that the padding holds; for bipolar elements 0 is -1 and 1 is +1.

    Raises
    ------
    NetworkError
        The tables take another number of inputs, or the padding is no element.
    """

    kind: ClassVar[str] = "lookup_conv"

    window: Window = field()  # pyright: ignore[reportIncompatibleVariableOverride]
    tables: Lookup
    padding_code: int = 0

    def __post_init__(self) -> None:
        expected = self.window.area * self.window.channels
        if self.tables.inputs != expected:
            raise NetworkError(f"layer {self.name}: tables must have {expected} inputs, not {self.tables.inputs}")
        if not 0 <= self.padding_code < self.input.levels:
            raise NetworkError(
                f"layer {self.name}: padding must be a code in 0..{self.input.levels - 1}, not {self.padding_code}"
            )

    @property
    def stem(self) -> str:
        return "lookup"

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.tables.name

    @property
    def input(self) -> DataType:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.tables.input

    @property
    def output(self) -> DataType:
        return self.tables.output

    @property
    def shape_in(self) -> Shape:
        return self.window.shape

    @property
    def shape_out(self) -> Shape:
        return (self.tables.neurons, self.window.out_height, self.window.out_width)

    @property
    def vectors(self) -> int:
        """Positions per frame at which the tables are read."""
        return self.window.positions

    def renamed(self, name: str) -> LookupConv:
        return replace(self, tables=self.tables.renamed(name))

    def keeps(self, dtype: DataType) -> bool:
        """Whether the type has the number that the padding holds."""
        return not self.window.padded or dtype.holds(self._padding)

    def with_input(self, dtype: DataType, activation: Activation | None = None) -> LookupConv:
        """The padding holds the same number; code 0 where the type has no such number."""
        code = int(dtype.encode(np.array(self._padding))) if dtype.holds(self._padding) else 0
        return replace(self, tables=self.tables.with_input(dtype, activation), padding_code=code)

    @property
    def _padding(self) -> int:
        """The number that the padding holds."""
        return int(self.input.values(np.array(self.padding_code)))


def _describe(layer: LookupConv, out: LayerWriter) -> dict[str, Any]:
    return {
        **describe_lookup(layer.tables, out),
        "window": out.window(layer.window),
        "padding_code": int(layer.padding_code),
    }


def _read(entry: LayerReader) -> LookupConv:
    window, code = entry.window(), entry.field("padding_code", int)
    return LookupConv(window, read_lookup(entry), code)


CODECS.add(LookupConv, Codec(_describe, _read))
