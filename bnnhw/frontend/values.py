"""What a tensor of a foreign graph stands for, once the nodes before it are understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

from bnnhw.ir.layers import BatchNorm, Dense, WeightPlane
from bnnhw.ir.types import DataType, InputSpec

__all__ = ["Constant", "Elements", "Normalized", "Product", "Samples", "Value", "Weights", "kind_of"]


@dataclass(frozen=True, eq=False)
class Constant:
    """An array known at compile time."""

    array: NDArray[Any]


@dataclass(frozen=True)
class Samples:
    """Raw samples: ``raw - shift``.

    Parameters
    ----------
    frame : tuple of int
        Shape of a sample as the graph's input has it.
    shape : tuple of int
        Its shape here.
    shift : float
    """

    frame: tuple[int, ...]
    shape: tuple[int, ...]
    shift: float = 0.0


@dataclass(frozen=True)
class Elements:
    """Quantized elements: the network's input after its quantizer, or the output of its last layer so far.

    Parameters
    ----------
    dtype : DataType
    shape : tuple of int
    input : InputSpec
    layers : tuple of Dense
        Everything between the input and these elements.
    """

    dtype: DataType
    shape: tuple[int, ...]
    input: InputSpec
    layers: tuple[Dense, ...]


@dataclass(frozen=True)
class Weights:
    """Quantized weights.

    Parameters
    ----------
    planes : tuple of WeightPlane
        Columns by rows of the constant that was quantized: neurons x synapses if a MatMul takes it as it is.
    transposed : bool
        Whether the graph has transposed it since.
    """

    planes: tuple[WeightPlane, ...]
    transposed: bool


@dataclass(frozen=True)
class Product:
    """Dot products of elements with weights; ``layer`` has no activation yet."""

    elements: Elements
    layer: Dense


@dataclass(frozen=True)
class Normalized:
    """A product after batch normalization."""

    product: Product
    norm: BatchNorm


Value: TypeAlias = Constant | Samples | Elements | Weights | Product | Normalized

_WORDS = {
    Constant: "a constant",
    Samples: "raw samples",
    Elements: "quantized elements",
    Weights: "quantized weights",
    Product: "a matrix product",
    Normalized: "a normalized product",
}


def kind_of(value: Value | type[Value] | None) -> str:
    """What a value is, in words."""
    if value is None:
        return "nothing"
    return _WORDS[value if isinstance(value, type) else type(value)]
