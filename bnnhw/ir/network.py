"""A network: an input, a chain of layers, and where it came from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from bnnhw.errors import NetworkError
from bnnhw.ir.conv import Conv2d
from bnnhw.ir.elementwise import Affine, Quantize
from bnnhw.ir.layers import Dense, FloatActivation, Output
from bnnhw.ir.pool import MaxPool, SumPool
from bnnhw.ir.residual import Residual
from bnnhw.ir.types import DataType, InputSpec

__all__ = ["Layer", "Network", "StreamLayer", "follow", "walk"]

StreamLayer: TypeAlias = Dense | Conv2d | MaxPool | SumPool | Quantize | Affine | Residual
"""A layer that turns a stream of elements into a stream of elements."""

Layer: TypeAlias = StreamLayer | Output


def follow(shape: tuple[int, ...], dtype: DataType, layers: tuple[Layer, ...]) -> tuple[tuple[int, ...], DataType]:
    """Shape and element type behind a chain of layers, each of which is checked to take what comes before it.

    A :class:`~bnnhw.ir.layers.Dense` flattens a feature map in stream order.

    Raises
    ------
    NetworkError
        Names the layer.
    """
    for layer in layers:
        if isinstance(layer, Output):
            raise NetworkError(f"layer {layer.name}: an output must be the last layer")
        if isinstance(layer, Dense):
            if layer.synapses != math.prod(shape):
                raise NetworkError(f"layer {layer.name}: must take {math.prod(shape)} inputs, not {layer.synapses}")
        else:
            given = shape if len(shape) == 3 else (shape[0], 1, 1)
            if layer.shape_in != given:
                wanted, have = (" x ".join(map(str, sizes)) for sizes in (given, layer.shape_in))
                raise NetworkError(f"layer {layer.name}: must take a map of {wanted}, not {have}")
        if layer.input != dtype:
            raise NetworkError(f"layer {layer.name}: must take {dtype} elements, not {layer.input}")
        shape, dtype = layer.shape_out, layer.stream if isinstance(layer, Dense) else layer.output
    return shape, dtype


def walk(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """Every layer, those inside residual layers before the residual layer itself: body, then shortcut."""
    for layer in layers:
        if isinstance(layer, Residual):
            yield from walk(layer.body)
            yield from walk(layer.shortcut)
        yield layer


@dataclass(frozen=True)
class Network:
    """A chain of layers that ends in :class:`~bnnhw.ir.layers.Output`.

    Parameters
    ----------
    input : InputSpec
    layers : tuple of Layer
        Checked: names are unique, shapes and types agree from one layer to the next.
    provenance : mapping of str to str
        Free text on the origin: file, digest, recipe, accuracy.
    """

    input: InputSpec
    layers: tuple[Layer, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.layers) < 2 or not isinstance(self.layers[-1], Output):
            raise NetworkError("a network must have at least one layer and end in an output")
        for name, count in Counter(layer.name for layer in walk(self.layers)).items():
            if count > 1:
                raise NetworkError(f"layer {name}: name must be unique")
        follow(self.input.shape, self.input.dtype, self.layers[:-1])
        last, output = self.layers[-2], self.layers[-1]
        if not isinstance(last, Dense):
            raise NetworkError(f"layer {last.name}: the layer before an output must be fully connected")
        if last.activation is not None:
            raise NetworkError(f"layer {output.name}: the layer before an output must have no activation")
        if output.classes != last.neurons:
            raise NetworkError(f"layer {output.name}: must take {last.neurons} classes, not {output.classes}")

    @property
    def dense(self) -> tuple[Dense, ...]:
        """Every weight matrix in the order of :func:`walk`: fully connected layers, and those inside convolutions."""
        found = (layer.dense if isinstance(layer, Conv2d) else layer for layer in walk(self.layers))
        return tuple(layer for layer in found if isinstance(layer, Dense))

    @property
    def output(self) -> Output:
        layer = self.layers[-1]
        assert isinstance(layer, Output)
        return layer

    @property
    def streamlined(self) -> bool:
        """Whether no floating-point tail is left, so that hardware can be made of it."""
        layers = [layer.dense if isinstance(layer, Conv2d) else layer for layer in walk(self.layers)]
        activations = [layer.activation for layer in layers if isinstance(layer, Dense | Quantize)]
        return not self.output.steps and not any(isinstance(a, FloatActivation) for a in activations)
