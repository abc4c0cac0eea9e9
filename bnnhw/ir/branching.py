"""What the kinds of layers with two branches share: both start from one feature map, and their results meet."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from bnnhw.errors import NetworkError
from bnnhw.ir.codec import LayerReader, LayerWriter
from bnnhw.ir.layer import MAX_DEPTH, Branches, Layer, Shape, follow
from bnnhw.ir.types import DataType

__all__ = ["TwoBranches", "describe_branches", "read_branches"]


@dataclass(frozen=True)
class TwoBranches(Layer):
    """Two chains of layers from one feature map. A kind names them in ``branch_names``, as its last fields but options.

    Parameters
    ----------
    name : str
    shape : (int, int, int)
        Channels, height, width of the map that both branches start from.
    input : DataType
    """

    name: str
    shape: Shape
    input: DataType
    _shape_out: Shape = field(init=False, repr=False, compare=False)
    _output: DataType = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.depth > MAX_DEPTH:
            raise NetworkError(f"layer {self.name}: branches must nest at most {MAX_DEPTH} deep")
        # Derived here once: each level of nesting would double the work.
        one, two = (follow(self.shape, self.input, branch) for branch in self.branches)
        shape, output = self.meet(one, two)
        object.__setattr__(self, "_shape_out", shape)
        object.__setattr__(self, "_output", output)

    @abstractmethod
    def meet(self, one: tuple[Shape, DataType], two: tuple[Shape, DataType]) -> tuple[Shape, DataType]:
        """Shape and element type of the output, from those at the ends of the branches.

        Raises
        ------
        NetworkError
            Names the layer, and both ends if they do not fit.
        """

    @property
    def output(self) -> DataType:
        return self._output

    @property
    def shape_in(self) -> Shape:
        return self.shape

    @property
    def shape_out(self) -> Shape:
        return self._shape_out

    @property
    def branches(self) -> Branches:
        one, two = self.branch_names
        return getattr(self, one), getattr(self, two)

    def with_branches(self, branches: Branches, dtype: DataType | None = None) -> Self:
        given: Mapping[str, Any] = dict(zip(self.branch_names, branches, strict=True))
        return replace(self, input=self.input if dtype is None else dtype, **given)


def describe_branches(layer: TwoBranches, out: LayerWriter) -> dict[str, Any]:
    """What a file says of the map and of both branches."""
    chains = zip(layer.branch_names, layer.branches, strict=True)
    return {"shape": [int(size) for size in layer.shape], **{name: out.layers(name, chain) for name, chain in chains}}


def read_branches(entry: LayerReader, names: tuple[str, ...]) -> dict[str, Any]:
    """The arguments that :func:`describe_branches` wrote, and those that every layer has."""
    given = {"name": entry.name, "shape": entry.shape, "input": entry.input}
    if entry.depth == MAX_DEPTH:
        raise entry.error(f"branches must nest at most {MAX_DEPTH} deep")
    return given | {name: entry.layers(name) for name in names}
