"""Layers over feature maps: convolution, pooling, element-wise layers, residual connections.

Each of them turns a stream of elements into a stream of elements; position, channel and stream order are those of
:class:`~bnnhw.ir.window.Window`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.layers import Activation, Dense, Thresholds
from bnnhw.ir.types import DataType
from bnnhw.ir.window import Window

if TYPE_CHECKING:
    from bnnhw.ir.network import Layer

__all__ = ["MAX_DEPTH", "Affine", "Conv2d", "MaxPool", "Quantize", "Residual", "SumPool"]

MAX_DEPTH = 8
"""Deepest nesting of residual layers: published networks have 1 or 2, and code that walks networks recurses."""


@dataclass(frozen=True)
class Conv2d:
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

    window: Window
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
    def name(self) -> str:
        return self.dense.name

    @property
    def input(self) -> DataType:
        return self.dense.input

    @property
    def shape_in(self) -> tuple[int, int, int]:
        return (self.window.channels, self.window.height, self.window.width)

    @property
    def shape_out(self) -> tuple[int, int, int]:
        return (self.dense.neurons, self.window.out_height, self.window.out_width)

    @property
    def output(self) -> DataType:
        """Of its elements; accumulators where ``dense`` has no activation."""
        return self.dense.stream

    @property
    def multiplier(self) -> int:
        """Neurons a channel of a depthwise convolution; 0 where every neuron sees every channel."""
        return self.dense.neurons // self.window.channels if self.depthwise else 0

    def with_dense(self, dense: Dense) -> Conv2d:
        return replace(self, dense=dense)


@dataclass(frozen=True, eq=False)
class MaxPool:
    """The greatest element under the window, channel by channel; in some channels the least.

    The least is what a layer needs whose norm has a negative gamma and that pools before its norm: with the threshold
    moved before the pool, ``max`` of accumulators becomes AND of bits there. Padding never wins.

    Parameters
    ----------
    name : str
    window : Window
        No window may lie wholly in the padding.
    input : DataType
        Also of the output.
    minimum : bool array (channels,)
        Channels that take the least element.
    """

    name: str
    window: Window
    input: DataType
    minimum: NDArray[np.bool_]

    def __post_init__(self) -> None:
        array = np.array(self.minimum, np.bool_)
        if array.shape != (self.window.channels,):
            raise NetworkError(f"layer {self.name}: minimum must have shape ({self.window.channels},)")
        array.setflags(write=False)
        object.__setattr__(self, "minimum", array)
        if self.window.lost:
            raise NetworkError(f"layer {self.name}: padding must leave something to pool in every window")

    @property
    def shape_in(self) -> tuple[int, int, int]:
        return (self.window.channels, self.window.height, self.window.width)

    @property
    def shape_out(self) -> tuple[int, int, int]:
        return (self.window.channels, self.window.out_height, self.window.out_width)

    @property
    def output(self) -> DataType:
        return self.input

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MaxPool):
            return NotImplemented
        return (self.name, self.window, self.input) == (other.name, other.window, other.input) and np.array_equal(
            self.minimum, other.minimum
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class SumPool:
    """The sum of the codes under the window, channel by channel: for bits their popcount, the +1s under the window.

    Bipolar elements are summed as 0 and 1 (``popcount = (sum + area) / 2``), numbers as their values. Padding adds 0.
    Average pooling is this and a factor, which folds into what follows.

    Parameters
    ----------
    name : str
    window : Window
    input : DataType
    """

    name: str
    window: Window
    input: DataType

    def __post_init__(self) -> None:
        _ = self.output  # Refuses sums that are too wide.

    @property
    def shape_in(self) -> tuple[int, int, int]:
        return (self.window.channels, self.window.height, self.window.width)

    @property
    def shape_out(self) -> tuple[int, int, int]:
        return (self.window.channels, self.window.out_height, self.window.out_width)

    @property
    def output(self) -> DataType:
        low = 0 if self.input.kind == "bipolar" else self.input.minimum
        return DataType.emitted(self.name, low * self.window.area, self.input.maximum * self.window.area)


@dataclass(frozen=True)
class Quantize:
    """Element by element, an activation of its own for each channel: integers to codes.

    Parameters
    ----------
    name : str
    shape : (int, int, int)
        Channels, height, width of the map.
    input : DataType
    activation : FloatActivation or Thresholds
        One row a channel; thresholds are in units of the element's value.
    """

    name: str
    shape: tuple[int, int, int]
    input: DataType
    activation: Activation

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
    def shape_in(self) -> tuple[int, int, int]:
        return self.shape

    @property
    def shape_out(self) -> tuple[int, int, int]:
        return self.shape

    @property
    def output(self) -> DataType:
        return self.activation.dtype


@dataclass(frozen=True, eq=False)
class Affine:
    """Element by element, ``y = multiplier * x + offset``, integers of each channel's own: a batch norm in integers.

    Parameters
    ----------
    name : str
    shape : (int, int, int)
        Channels, height, width of the map.
    input : DataType
    multiplier, offset : int64 array (channels,)
        In units of the element's value.
    """

    name: str
    shape: tuple[int, int, int]
    input: DataType
    multiplier: NDArray[np.int64]
    offset: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("multiplier", "offset"):
            array = np.array(getattr(self, name), np.int64)
            if array.shape != (self.shape[0],):
                raise NetworkError(f"layer {self.name}: {name} must have shape ({self.shape[0]},), not {array.shape}")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        _ = self.output  # Refuses results that are too wide.

    @property
    def shape_in(self) -> tuple[int, int, int]:
        return self.shape

    @property
    def shape_out(self) -> tuple[int, int, int]:
        return self.shape

    @cached_property
    def output(self) -> DataType:
        ends = [
            int(m) * end + int(o)
            for m, o in zip(self.multiplier, self.offset, strict=True)
            for end in (self.input.minimum, self.input.maximum)
        ]
        return DataType.emitted(self.name, min(ends), max(ends))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Affine):
            return NotImplemented
        same = (self.name, self.shape, self.input) == (other.name, other.shape, other.input)
        return same and np.array_equal(self.multiplier, other.multiplier) and np.array_equal(self.offset, other.offset)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Residual:
    """Two branches of one stream, added element by element (Bi-Real Net's and ReActNet's shortcuts).

    Parameters
    ----------
    name : str
    shape : (int, int, int)
        Channels, height, width of the map that both branches start from.
    input : DataType
    body, shortcut : tuple of Layer
        Chains without a network output, of the same final shape. An empty shortcut is the identity.
    """

    name: str
    shape: tuple[int, int, int]
    input: DataType
    body: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()

    def __post_init__(self) -> None:
        if not self.body:
            raise NetworkError(f"layer {self.name}: body must have at least one layer")
        if self.depth > MAX_DEPTH:
            raise NetworkError(f"layer {self.name}: residual layers must nest at most {MAX_DEPTH} deep")
        body, shortcut = (shape for shape, _ in self._ends)
        if body != shortcut:
            raise NetworkError(f"layer {self.name}: branches must end in one shape, not {body} and {shortcut}")
        _ = self.output  # Refuses sums that are too wide.

    @cached_property
    def depth(self) -> int:
        """Residual layers from here to the innermost, this one included."""
        branches = (*self.body, *self.shortcut)
        return 1 + max((layer.depth for layer in branches if isinstance(layer, Residual)), default=0)

    @cached_property
    def _ends(self) -> tuple[tuple[tuple[int, int, int], DataType], ...]:
        """Shape and type behind the body, and behind the shortcut. Kept: each level would double the work."""
        from bnnhw.ir.network import follow  # Both modules describe one recursive type.

        ends = (follow(self.shape, self.input, branch) for branch in (self.body, self.shortcut))
        return tuple((shape if len(shape) == 3 else (shape[0], 1, 1), dtype) for shape, dtype in ends)

    @property
    def shape_in(self) -> tuple[int, int, int]:
        return self.shape

    @property
    def shape_out(self) -> tuple[int, int, int]:
        return self._ends[0][0]

    @property
    def output(self) -> DataType:
        """Of the sums. Bipolar elements add as -1 and +1."""
        (_, a), (_, b) = self._ends
        return DataType.emitted(self.name, a.minimum + b.minimum, a.maximum + b.maximum)
