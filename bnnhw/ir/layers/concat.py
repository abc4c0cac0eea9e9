"""Branches of one feature map, joined."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from bnnhw.errors import NetworkError
from bnnhw.ir.branching import TwoBranches, describe_branches, read_branches
from bnnhw.ir.codec import CODECS, Codec, LayerReader, LayerWriter
from bnnhw.ir.layer import Layer, Shape
from bnnhw.ir.types import DataType

__all__ = ["Concat"]


@dataclass(frozen=True)
class Concat(TwoBranches):
    """Two branches of one stream, the channels of the first followed by those of the second (DenseNet, Inception).

    Its elements have the type of both branches, or the narrowest that holds both.

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

    first: tuple[Layer, ...]
    second: tuple[Layer, ...]
    flat: bool = False

    def meet(self, one: tuple[Shape, DataType], two: tuple[Shape, DataType]) -> tuple[Shape, DataType]:
        (first, a), (second, b) = one, two
        if self.flat:
            shape = (math.prod(first) + math.prod(second), 1, 1)
        elif first[1:] == second[1:]:
            shape = (first[0] + second[0], *first[1:])
        else:
            raise NetworkError(f"layer {self.name}: branches must end in maps of one size, not {first} and {second}")
        low, high = min(a.minimum, b.minimum), max(a.maximum, b.maximum)
        return shape, a if a == b else DataType.emitted(self.name, low, high)


def _describe(layer: Concat, out: LayerWriter) -> dict[str, Any]:
    return {**describe_branches(layer, out), "flat": bool(layer.flat)}


def _read(entry: LayerReader) -> Concat:
    return Concat(**read_branches(entry, Concat.branch_names), flat=entry.field("flat", bool))


CODECS.add(Concat, Codec(_describe, _read))
