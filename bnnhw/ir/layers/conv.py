"""Convolution over feature maps.

Position, channel and stream order are those of :class:`~bnnhw.ir.window.Window`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from bnnhw.errors import NetworkError
from bnnhw.ir.activation import Activation
from bnnhw.ir.codec import CODECS, Codec, LayerReader, LayerWriter
from bnnhw.ir.layer import Layer, Shape
from bnnhw.ir.layers.dense import Dense, describe_dense, read_dense
from bnnhw.ir.types import DataType
from bnnhw.ir.window import Window

__all__ = ["Conv2d"]


@dataclass(frozen=True)
class Conv2d(Layer):
    """A convolution: at every position of the window, the matrix layer ``dense`` applied to the window's elements.

    Parameters
    ----------
    window : Window
    dense : Dense
        Its name is the layer's. A row's synapses run over (kernel y, kernel x, channel), channel fastest:
        ``area * channels`` of them. In a depthwise convolution they run over (kernel y, kernel x) alone, ``area`` of
        them, and neuron ``n`` sees channel ``n // (neurons / channels)``.
    padding_code : int
        The element that the padding holds; for bipolar elements 0 is -1 and 1 is +1.
    depthwise : bool
    """

    kind: ClassVar[str] = "conv"

    window: Window = field()  # pyright: ignore[reportIncompatibleVariableOverride]
    dense: Dense
    padding_code: int = 0
    depthwise: bool = False

    def __post_init__(self) -> None:
        expected = self.window.area * (1 if self.depthwise else self.window.channels)
        if self.dense.synapses != expected:
            raise NetworkError(f"layer {self.name}: weights must have {expected} synapses, not {self.dense.synapses}")
        if self.depthwise and self.dense.neurons % self.window.channels:
            raise NetworkError(
                f"layer {self.name}: a depthwise convolution of {self.window.channels} channels must have a multiple "
                f"of so many neurons, not {self.dense.neurons}"
            )
        if not 0 <= self.padding_code < self.dense.input.levels:
            raise NetworkError(
                f"layer {self.name}: padding must be a code in 0..{self.dense.input.levels - 1}, "
                f"not {self.padding_code}"
            )

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.dense.name

    @property
    def input(self) -> DataType:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.dense.input

    @property
    def activation(self) -> Activation | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.dense.activation

    @property
    def output(self) -> DataType:
        return self.dense.output

    @property
    def emitted(self) -> tuple[int, int]:
        return self.dense.emitted

    @property
    def shape_in(self) -> Shape:
        return self.window.shape

    @property
    def shape_out(self) -> Shape:
        return (self.dense.neurons, self.window.out_height, self.window.out_width)

    @property
    def matrix(self) -> Dense:
        return self.dense

    @property
    def label(self) -> str:
        return "depthwise" if self.depthwise else self.kind

    @property
    def vectors(self) -> int:
        return self.window.positions

    @property
    def depth_multiplier(self) -> int:
        """Neurons per channel of a depthwise convolution; 0 where every neuron sees every channel."""
        return self.dense.neurons // self.window.channels if self.depthwise else 0

    def renamed(self, name: str) -> Conv2d:
        return self.with_matrix(self.dense.renamed(name))

    def keeps(self, dtype: DataType) -> bool:
        """Whether the type has the number that the padding holds."""
        return not self.window.padded or dtype.holds(self._padding)

    def with_input(self, dtype: DataType, activation: Activation | None = None) -> Conv2d:
        """The padding holds the same number; code 0 where the type has no such number."""
        code = int(dtype.encode(np.array(self._padding))) if dtype.holds(self._padding) else 0
        return replace(self, dense=self.dense.with_input(dtype, activation), padding_code=code)

    @property
    def _padding(self) -> int:
        """The number that the padding holds."""
        return int(self.input.values(np.array(self.padding_code)))

    def with_activation(self, activation: Activation | None) -> Conv2d:
        return self.with_matrix(self.dense.with_activation(activation))

    def with_matrix(self, matrix: Dense) -> Conv2d:
        return replace(self, dense=matrix)


def _describe(layer: Conv2d, out: LayerWriter) -> dict[str, Any]:
    return {
        **describe_dense(layer.dense, out),
        "window": out.window(layer.window),
        "padding_code": int(layer.padding_code),
        "depthwise": bool(layer.depthwise),
    }


def _read(entry: LayerReader) -> Conv2d:
    window, code, depthwise = entry.window(), entry.field("padding_code", int), entry.field("depthwise", bool)
    return Conv2d(window, read_dense(entry), code, depthwise)


CODECS.add(Conv2d, Codec(_describe, _read))
