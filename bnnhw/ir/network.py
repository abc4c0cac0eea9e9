"""A network: an input, a chain of layers, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bnnhw.errors import NetworkError
from bnnhw.ir.layers import Dense, FloatActivation, Layer, Output
from bnnhw.ir.types import InputSpec

__all__ = ["Network"]


@dataclass(frozen=True)
class Network:
    """A chain of layers that ends in :class:`~bnnhw.ir.layers.Output`.

    Parameters
    ----------
    input : InputSpec
    layers : tuple of Layer
        Checked: names are unique, sizes and types agree from one layer to the next.
    provenance : mapping of str to str
        Free text on the origin: file, digest, recipe, accuracy.
    """

    input: InputSpec
    layers: tuple[Layer, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.layers) < 2 or not isinstance(self.layers[-1], Output):
            raise NetworkError("a network must have at least one layer and end in an output")
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1:
                raise NetworkError(f"layer {name}: name must be unique")
        size, dtype = self.input.elements, self.input.dtype
        for layer in self.layers[:-1]:
            if not isinstance(layer, Dense):
                raise NetworkError(f"layer {layer.name}: an output must be the last layer")
            if dtype is None:
                raise NetworkError(f"layer {layer.name}: the layer before it must have an activation")
            if layer.synapses != size:
                raise NetworkError(f"layer {layer.name}: must take {size} inputs, not {layer.synapses}")
            if layer.input != dtype:
                raise NetworkError(f"layer {layer.name}: must take {dtype} elements, not {layer.input}")
            size, dtype = layer.neurons, layer.output
        output = self.layers[-1]
        if dtype is not None:
            raise NetworkError(f"layer {output.name}: the layer before an output must have no activation")
        if output.classes != size:
            raise NetworkError(f"layer {output.name}: must take {size} classes, not {output.classes}")

    @property
    def dense(self) -> tuple[Dense, ...]:
        """The matrix layers, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Dense))

    @property
    def output(self) -> Output:
        layer = self.layers[-1]
        assert isinstance(layer, Output)
        return layer

    @property
    def streamlined(self) -> bool:
        """Whether no floating-point tail is left, so that hardware can be made of it."""
        return not self.output.steps and not any(isinstance(d.activation, FloatActivation) for d in self.dense)
