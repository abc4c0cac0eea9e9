"""A network: an input, a chain of layers, and where it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bnnhw.errors import NetworkError
from bnnhw.ir.activation import FloatActivation
from bnnhw.ir.input_spec import InputSpec
from bnnhw.ir.layer import Layer, follow, walk
from bnnhw.ir.layers import Dense, Output

__all__ = ["Network"]


@dataclass(frozen=True)
class Network:
    """A chain of layers that ends in :class:`~bnnhw.ir.layers.Output`.

    Parameters
    ----------
    input : InputSpec
    layers : tuple of Layer, the last an Output
        Checked: names are unique, shapes and types agree from one layer to the next.
    provenance : mapping of str to str
        Free text on the origin: file, digest, recipe, accuracy.
    """

    input: InputSpec
    layers: tuple[Layer | Output, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.layers) < 2 or not isinstance(self.layers[-1], Output):
            raise NetworkError("a network must have at least one layer and end in an output")
        for name, count in Counter(layer.name for layer in walk(self.layers)).items():
            if count > 1:
                raise NetworkError(f"layer {name}: name must be unique")
        follow(self.input.map, self.input.dtype, self.chain)
        last, output = self.chain[-1], self.output
        if not self.matrices:
            raise NetworkError("a network must have a layer with weights")
        classes, *sizes = last.shape_out
        if sizes != [1, 1]:
            raise NetworkError(
                f"layer {last.name}: the layer before an output must give one number per class, not a map of "
                f"{' x '.join(map(str, last.shape_out))}"
            )
        if output.classes != classes:
            raise NetworkError(f"layer {output.name}: must take {classes} classes, not {output.classes}")

    @property
    def chain(self) -> tuple[Layer, ...]:
        """All layers but the output."""
        return self.layers[:-1]  # type: ignore[return-value]

    @property
    def matrices(self) -> tuple[Dense, ...]:
        """Every weight matrix in the order of :func:`~bnnhw.ir.layer.walk`."""
        return tuple(layer.matrix for layer in walk(self.chain) if layer.matrix is not None)

    @property
    def output(self) -> Output:
        layer = self.layers[-1]
        assert isinstance(layer, Output)
        return layer

    @property
    def streamlined(self) -> bool:
        """Whether no floating-point tail is left, so that hardware can be made of it."""
        return not self.output.steps and not any(
            isinstance(layer.activation, FloatActivation) for layer in walk(self.chain)
        )
