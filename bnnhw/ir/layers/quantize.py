"""Activations of each channel's own, element by element.

Position, channel and stream order are those of :class:`~bnnhw.ir.window.Window`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from bnnhw.errors import NetworkError
from bnnhw.ir.activation import Activation, Thresholds
from bnnhw.ir.codec import CODECS, Codec, LayerReader, LayerWriter
from bnnhw.ir.layer import Layer, Shape
from bnnhw.ir.types import DataType

__all__ = ["Quantize"]


@dataclass(frozen=True)
class Quantize(Layer):
    """Element by element, an activation of its own for each channel: integers to codes.

    Parameters
    ----------
    name : str
    shape : (int, int, int)
        Channels, height, width of the map.
    input : DataType
    activation : FloatActivation or Thresholds
        One row per channel; thresholds are in units of the element's value.
    """

    kind: ClassVar[str] = "quantize"

    name: str
    shape: Shape
    input: DataType
    activation: Activation = field()  # pyright: ignore[reportIncompatibleVariableOverride]

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

    @property
    def shape_in(self) -> Shape:
        return self.shape

    @property
    def shape_out(self) -> Shape:
        return self.shape

    def with_input(self, dtype: DataType, activation: Activation | None = None) -> Quantize:
        return replace(self, input=dtype, activation=self.activation if activation is None else activation)

    def with_activation(self, activation: Activation | None) -> Quantize:
        if activation is None:
            raise NetworkError(f"layer {self.name}: a layer of kind {self.kind} must have an activation")
        return replace(self, activation=activation)


def _describe(layer: Quantize, out: LayerWriter) -> dict[str, Any]:
    return {"shape": [int(size) for size in layer.shape], "activation": out.activation(layer.activation)}


def _read(entry: LayerReader) -> Quantize:
    dtype, shape = entry.input, entry.shape
    entry.field("activation", dict)
    activation = entry.activation(shape[0])
    assert activation is not None
    return Quantize(entry.name, shape, dtype, activation)


CODECS.add(Quantize, Codec(_describe, _read))
