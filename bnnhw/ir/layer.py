"""What every layer of a network is asked for, and the two ways through a chain of layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import MissingError, NetworkError
from bnnhw.ir.activation import Activation
from bnnhw.ir.types import DataType
from bnnhw.ir.window import Window

if TYPE_CHECKING:
    from bnnhw.ir.layers.dense import Dense
    from bnnhw.ir.layers.output import Output

__all__ = ["MAX_DEPTH", "Branches", "Layer", "Shape", "follow", "walk"]

MAX_DEPTH = 8
"""Deepest nesting of layers with branches: published networks have 1 or 2, and code that walks networks recurses."""

Shape: TypeAlias = tuple[int, int, int]
"""Channels, height, width; a vector of N elements is ``(N, 1, 1)``."""


class Layer(ABC):
    """A layer that turns a stream of elements into a stream of elements.

    Every kind is a frozen dataclass of its own in :mod:`bnnhw.ir.layers`, validated in ``__post_init__`` with errors
    that name the layer. What works on all kinds asks for the members below and knows no kind.

    A kind that makes one of ``window`` and ``activation`` a field assigns it ``field()``: otherwise the default below
    would become the default of the field.

    Attributes
    ----------
    kind : str
        The word for the kind, in files and messages.
    stem : str
        What the names of imported layers begin with; the kind, unless it says otherwise.
    name : str
        Unique in a network.
    input : DataType
        Type of its input elements.
    activation : FloatActivation, Thresholds, or None
        None: a layer without one, or one that emits its accumulators. Applied to the accumulators of the matrix, or
        without a matrix to the elements.
    window : Window or None
        What slides over its input map, if anything does.
    selects : bool
        Whether every output element is an input element of the same channel, chosen by nothing but their order: then
        what is monotone may be done before the layer as well as behind it (:meth:`reversed_in`).
    branch_names : tuple of str
        One for each of :attr:`branches`.
    """

    kind: ClassVar[str]
    selects: ClassVar[bool] = False
    branch_names: ClassVar[tuple[str, ...]] = ()
    name: str
    input: DataType
    activation: Activation | None = None
    window: Window | None = None

    @property
    def stem(self) -> str:
        return self.kind

    @property
    @abstractmethod
    def output(self) -> DataType:
        """Type of what the layer emits: output elements, or accumulators where there is no activation."""

    @property
    @abstractmethod
    def shape_in(self) -> Shape:
        """Channels, height, width of its input map."""

    @property
    @abstractmethod
    def shape_out(self) -> Shape:
        """Channels, height, width of its output map."""

    @property
    def matrix(self) -> Dense | None:
        """The weight matrix, with the activation behind it."""
        return None

    @property
    def emitted(self) -> tuple[int, int]:
        """The least and the greatest number that it may emit: all that its type holds, unless a kind knows better."""
        return self.output.minimum, self.output.maximum

    @property
    def vectors(self) -> int:
        """Vectors per frame that the matrix is multiplied with; 1 without a matrix."""
        return 1

    @property
    def depth_multiplier(self) -> int:
        """Neurons per channel where each neuron sees one channel alone; 0 where every neuron sees every input."""
        return 0

    @property
    def branches(self) -> Branches:
        """Chains of layers inside this one, each from its input on; their results meet in this layer."""
        return ()

    @property
    def depth(self) -> int:
        """Layers with branches from here to the innermost, this one included; 0 of a layer without any."""
        # What else may stand in a branch by mistake is refused where the branch is followed.
        inside = [layer.depth for branch in self.branches for layer in branch if isinstance(layer, Layer)]
        return 1 + max(inside, default=0) if self.branches else 0

    @property
    def label(self) -> str:
        """What tables call a layer like this one."""
        return self.kind.replace("_", "-")

    def takes(self, shape: Shape) -> bool:
        """Whether a map of that shape can be its input."""
        return shape == self.shape_in

    def mismatch(self, shape: Shape) -> str:
        """What the layer must take instead, for an error about a map that it does not take."""
        wanted, have = (" x ".join(map(str, sizes)) for sizes in (shape, self.shape_in))
        return f"must take a map of {wanted}, not {have}"

    def keeps(self, dtype: DataType) -> bool:
        """Whether :meth:`with_input` changes nothing for elements that both types have."""
        return True

    def renamed(self, name: str) -> Self:
        """The same layer under another name."""
        return replace(self, name=name)  # type: ignore[type-var]

    def with_input(self, dtype: DataType, activation: Activation | None = None) -> Self:
        """The same layer on elements of another type, with the activation that suits it if the present one does not."""
        layer = replace(self, input=dtype)  # type: ignore[type-var]
        return layer if activation is None else layer.with_activation(activation)

    def with_activation(self, activation: Activation | None) -> Self:
        """The same layer with another activation. Raises :class:`NetworkError` where the kind has none."""
        if activation is None:
            return self
        raise NetworkError(f"layer {self.name}: a layer of kind {self.kind} has no activation")

    def with_matrix(self, matrix: Dense) -> Self:
        """The same layer with another weight matrix. Raises :class:`NetworkError` where the kind has none."""
        raise NetworkError(f"layer {self.name}: a layer of kind {self.kind} has no weights")

    def with_branches(self, branches: Branches, dtype: DataType | None = None) -> Self:
        """The same layer with other branches, as many as :attr:`branches`, and if given on elements of another type."""
        if not branches:
            return self if dtype is None else self.with_input(dtype)
        raise NetworkError(f"layer {self.name}: a layer of kind {self.kind} has no branches")

    def reversed_in(self, channels: NDArray[np.bool_]) -> Self:
        """What a layer that :attr:`selects` becomes where the order of its elements is reversed in some channels."""
        raise MissingError(f"kind {self.kind!r} must have reversed_in: define it in the kind's file in bnnhw/ir/layers")


Branches: TypeAlias = tuple[tuple[Layer, ...], ...]

_Any = TypeVar("_Any", bound="Layer | Output")


def follow(shape: Shape, dtype: DataType, layers: tuple[Layer, ...]) -> tuple[Shape, DataType]:
    """Shape and element type behind a chain of layers, each of which is checked to take what comes before it.

    A :class:`~bnnhw.ir.layers.Dense` flattens a feature map in stream order.

    Raises
    ------
    NetworkError
        Names the layer.
    """
    for layer in layers:
        if not isinstance(layer, Layer):
            raise NetworkError(f"layer {layer.name}: an output must be the last layer")
        if not layer.takes(shape):
            raise NetworkError(f"layer {layer.name}: {layer.mismatch(shape)}")
        if layer.input != dtype:
            raise NetworkError(f"layer {layer.name}: must take {dtype} elements, not {layer.input}")
        shape, dtype = layer.shape_out, layer.output
    return shape, dtype


def walk(layers: Iterable[_Any]) -> Iterator[_Any | Layer]:
    """Every layer, those inside branches before the layer that has them, branch after branch."""
    for layer in layers:
        if isinstance(layer, Layer):
            for branch in layer.branches:
                yield from walk(branch)
        yield layer
