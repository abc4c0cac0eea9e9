"""Branches of one feature map, joined."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from bnnhw.errors import NetworkError
from bnnhw.ir.codec import CODECS, Codec, LayerReader, LayerWriter
from bnnhw.ir.layer import MAX_DEPTH, Branches, Layer, Shape, follow
from bnnhw.ir.types import DataType

__all__ = ["Concat"]


@dataclass(frozen=True)
class Concat(Layer):
    """Two branches of one stream, the channels of the first followed by those of the second (DenseNet, Inception).

    Parameters
    ----------
    name : str
    shape : (int, int, int)
        Channels, height, width of the map that both branches start from.
    input : DataType
    first, second : tuple of Layer
        Chains without a network output; an empty one is the identity. Their final maps have the same positions.
    flat : bool
        Whether the final maps are joined as lists of their elements in stream order, and need not have the same
        positions.
    """

    kind: ClassVar[str] = "concat"
    branch_names: ClassVar[tuple[str, ...]] = ("first", "second")

    name: str
    shape: Shape
    input: DataType
    first: tuple[Layer, ...]
    second: tuple[Layer, ...]
    flat: bool = False
    _shape_out: Shape = field(init=False, repr=False, compare=False)
    _output: DataType = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.depth > MAX_DEPTH:
            raise NetworkError(f"layer {self.name}: branches must nest at most {MAX_DEPTH} deep")
        # Derived here once: each level of nesting would double the work.
        (one, a), (two, b) = (follow(self.shape, self.input, branch) for branch in self.branches)
        if self.flat:
            shape = (math.prod(one) + math.prod(two), 1, 1)
        elif one[1:] == two[1:]:
            shape = (one[0] + two[0], *one[1:])
        else:
            raise NetworkError(f"layer {self.name}: branches must end in maps of one size, not {one} and {two}")
        low, high = min(a.minimum, b.minimum), max(a.maximum, b.maximum)
        object.__setattr__(self, "_shape_out", shape)
        object.__setattr__(self, "_output", a if a == b else DataType.emitted(self.name, low, high))

    @property
    def output(self) -> DataType:
        """The type of both branches, or the narrowest that holds both."""
        return self._output

    @property
    def shape_in(self) -> Shape:
        return self.shape

    @property
    def shape_out(self) -> Shape:
        return self._shape_out

    @property
    def branches(self) -> Branches:
        """First, second."""
        return (self.first, self.second)

    def with_branches(self, branches: Branches, dtype: DataType | None = None) -> Concat:
        first, second = branches
        return replace(self, input=self.input if dtype is None else dtype, first=first, second=second)


def _describe(layer: Concat, out: LayerWriter) -> dict[str, Any]:
    return {
        "shape": [int(size) for size in layer.shape],
        "first": out.layers("first", layer.first),
        "second": out.layers("second", layer.second),
        "flat": bool(layer.flat),
    }


def _read(entry: LayerReader) -> Concat:
    dtype, shape = entry.input, entry.shape
    if entry.depth == MAX_DEPTH:
        raise entry.error(f"branches must nest at most {MAX_DEPTH} deep")
    first, second = entry.layers("first"), entry.layers("second")
    return Concat(entry.name, shape, dtype, first, second, entry.field("flat", bool))


CODECS.add(Concat, Codec(_describe, _read))
