"""What a tensor of a foreign graph stands for, once the nodes before it are understood."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, TypeAlias, TypeVar, assert_never

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.raw import Samples
from bnnhw.ir.activation import FloatActivation
from bnnhw.ir.input_spec import InputSpec
from bnnhw.ir.layer import Layer
from bnnhw.ir.layers import Dense
from bnnhw.ir.steps import Step
from bnnhw.ir.types import DataType
from bnnhw.ir.window import Window

__all__ = [
    "FRAMES",
    "Addressed",
    "Constant",
    "Dimensions",
    "Elements",
    "Integers",
    "Numbered",
    "Padded",
    "Product",
    "Ranked",
    "Samples",
    "Streamed",
    "Value",
    "Weights",
    "cost",
    "kind_of",
    "laid_out",
    "layout",
]


@dataclass(frozen=True, eq=False)
class Constant:
    """An array known at compile time."""

    array: NDArray[Any]


FRAMES = (5, 7)
"""Two numbers of frames: what is equal for both does not depend on the batch, what equals both is the batch."""


@dataclass(frozen=True, eq=False)
class Dimensions:
    """A shape, or numbers computed from one, that depend on the batch.

    Parameters
    ----------
    arrays : (array, array)
        The numbers, for each of :data:`FRAMES`.
    """

    arrays: tuple[NDArray[Any], NDArray[Any]]

    @property
    def sizes(self) -> tuple[int | None, ...] | None:
        """A list of sizes, None standing for the batch; None if it is no such list."""
        first, second = self.arrays
        if first.shape != second.shape or first.ndim != 1 or first.dtype.kind != "i":
            return None
        found: list[int | None] = []
        for pair in zip(first.tolist(), second.tolist(), strict=True):
            if pair[0] != pair[1] and pair != FRAMES:
                return None
            found.append(None if pair == FRAMES else pair[0])
        return tuple(found)


@dataclass(frozen=True, eq=False)
class Elements:
    """Quantized elements: the network's input after its quantizer, or the output of its last layer so far.

    Parameters
    ----------
    dtype : DataType
    index : int32 array
        As that of :class:`Samples`.
    input : InputSpec
    layers : tuple of Layer
        Everything between the input and these elements.
    scale, offset : Fraction
        An element of value v, in ``dtype``, stands for the number ``scale * v + offset``.
    notes : tuple of str
        What was assumed on the way.
    pinned : int
        So many layers, and the input, are read by other nodes too, and must stay as they are; -1 if none are.
    """

    dtype: DataType
    index: NDArray[np.int32]
    input: InputSpec
    layers: tuple[Layer, ...]
    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    notes: tuple[str, ...] = ()
    pinned: int = -1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the stream, whatever shape the graph gives it."""
        return self.layers[-1].shape_out if self.layers else self.input.map

    @property
    def neurons(self) -> int:
        """Channels of the stream."""
        return self.shape[0]


@dataclass(frozen=True, eq=False)
class Weights:
    """Quantized weights: ``scale * values``.

    Parameters
    ----------
    values : int16 array of 2 to 4 dimensions
        As the graph has them.
    scale : float64 array
        Of as many dimensions, each 1 or that of the values.
    """

    values: NDArray[np.int16]
    scale: NDArray[np.float64]

    def dequantized(self) -> Constant:
        """The numbers that they are, in float32 where these hold them."""
        numbers = self.values * self.scale
        with np.errstate(over="ignore"):
            narrow = numbers.astype(np.float32)
        return Constant(narrow if np.array_equal(narrow, numbers) else numbers)


@dataclass(frozen=True, eq=False)
class Product:
    """Dot products of elements with weights, and what was done to them since.

    Parameters
    ----------
    elements : Elements
    layer : Layer
        One with a weight matrix, without an activation yet.
    index : int32 array
        As that of :class:`Samples`, of the products.
    steps : tuple of Step
        On the dot products.
    """

    elements: Elements
    layer: Layer
    index: NDArray[np.int32]
    steps: tuple[Step, ...] = field(default=())

    @property
    def dense(self) -> Dense:
        """The layer's matrix."""
        assert self.layer.matrix is not None
        return self.layer.matrix

    @property
    def neurons(self) -> int:
        return self.dense.neurons


@dataclass(frozen=True, eq=False)
class Integers:
    """Integers that layers emit (sums, pools of products, products that several nodes read), and steps on them.

    Parameters
    ----------
    elements : Elements
        Of scale 1 and offset 0.
    steps : tuple of Step
        On the integers, a row of parameters per channel.
    """

    elements: Elements
    steps: tuple[Step, ...] = field(default=())

    @property
    def index(self) -> NDArray[np.int32]:
        return self.elements.index

    @property
    def neurons(self) -> int:
        """Channels of the stream."""
        return self.elements.neurons


Streamed: TypeAlias = Elements | Product | Integers
"""What layers emit."""


@dataclass(frozen=True, eq=False)
class Padded:
    """A map with a constant around it, about to be convolved.

    Parameters
    ----------
    inside : Streamed
    sizes : tuple of (int, int)
        Before and behind, of every dimension behind the channels.
    value : Fraction
        The number that the constant is.
    """

    inside: Streamed
    sizes: tuple[tuple[int, int], ...]
    value: Fraction


@dataclass(frozen=True, eq=False)
class Ranked:
    """What a node keeps of scores: which class has the highest.

    Parameters
    ----------
    scores : Streamed
    what : str
        The node, in words.
    chosen : bool
        Whether it is classes (or their scores) in the order of their scores; otherwise a number per class.
    notes : tuple of str
        What was left out since.
    refusal : str
        What to say if anything else than an end follows; empty: that it may not.
    signed : bool
        Whether a single score decides by its sign, whatever made it.
    """

    scores: Streamed
    what: str
    chosen: bool = False
    notes: tuple[str, ...] = ()
    refusal: str = ""
    signed: bool = False


@dataclass(frozen=True, eq=False)
class Addressed:
    """Elements picked for neurons that are tables, and the address that is made of them.

    Parameters
    ----------
    elements : Elements
    places : int32 array (neurons, fan-in)
        Where in the stream the picked ones are.
    factors : tuple of Fraction, optional
        Of each picked one in the address; None as long as they are not summed.
    starts : tuple of Fraction
        One per neuron, added to the sum; empty for none.
    """

    elements: Elements
    places: NDArray[np.int32]
    factors: tuple[Fraction, ...] | None = None
    starts: tuple[Fraction, ...] = ()


@dataclass(frozen=True, eq=False)
class Numbered:
    """Whole numbers that each follow from a few elements: the places of tables' entries.

    Parameters
    ----------
    origin : Streamed, or None
        What the numbers were as floating-point ones.
    elements : Elements
    index : int32 array
        As that of :class:`Samples`, of the numbers.
    window : Window or None
        At every position of which the numbers are; None of a list.
    padding_code : int
    sources : int32 array (neurons, fan-in)
        Which elements under the window each depends on; the first is the lowest in the address.
    numbers : int64 array (neurons, addresses)
    """

    origin: Streamed | None
    elements: Elements
    index: NDArray[np.int32]
    window: Window | None
    padding_code: int
    sources: NDArray[np.int32]
    numbers: NDArray[np.int64]


Value: TypeAlias = (
    Constant | Dimensions | Samples | Elements | Padded | Weights | Product | Integers | Addressed | Numbered | Ranked
)

_WORDS = {
    Constant: "a constant",
    Dimensions: "a number of frames",
    Samples: "raw samples",
    Elements: "quantized elements",
    Padded: "padded elements",
    Weights: "quantized weights",
    Product: "a matrix product",
    Integers: "integers",
    Addressed: "elements picked for tables",
    Numbered: "whole numbers of a few elements each",
    Ranked: "ranked classes",
}


def kind_of(value: Value | type[Value] | None) -> str:
    """What a value is, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, Ranked):
        return f"what {value.what} gives, behind which a graph must end"
    return _WORDS[value if isinstance(value, type) else type(value)]


def layout(shape: tuple[int, int, int]) -> NDArray[np.int32]:
    """The places in the stream of a map's elements: int32 (channels, height, width)."""
    channels, height, width = shape
    places = np.arange(channels * height * width, dtype=np.int32)
    return places.reshape(height, width, channels).transpose(2, 0, 1)


_Laid = TypeVar("_Laid", bound=Samples | Elements | Product | Integers)


def laid_out(value: _Laid, index: NDArray[np.int32]) -> _Laid:
    """The same numbers in another layout of the frame."""
    if isinstance(value, Integers):
        return replace(value, elements=replace(value.elements, index=index))
    return replace(value, index=index)


def _places(layer: Layer, value: Product | Elements) -> int:
    """The places of a map; a fully connected layer has none."""
    return 0 if layer.matrix is not None and layer.window is None else value.index.size


def _activation_cost(layer: Layer, levels: int) -> int:
    return layer.activation.neurons * levels if isinstance(layer.activation, FloatActivation) else 0


def cost(value: Value) -> int:
    """How many numbers a node holds in its output, beyond those that it read."""
    match value:
        case Constant():
            return int(value.array.size)
        case Weights():
            return int(value.values.size)
        case Product():
            planes = len(value.dense.weights) * value.dense.synapses if not value.steps else 1
            return value.neurons * planes + _places(value.layer, value)
        case Integers():
            return value.index.size + (value.neurons if value.steps else 0)
        case Elements() if value.layers:
            layer = value.layers[-1]
            return _places(layer, value) + _activation_cost(layer, value.dtype.levels)
        case Addressed():
            return int(value.places.size) + len(value.starts)
        case Numbered():
            return int(value.numbers.size) + value.index.size
        case Samples():
            return value.neurons * len(value.steps)
        case Elements() | Dimensions() | Padded() | Ranked():
            return 0
        case _:
            assert_never(value)
