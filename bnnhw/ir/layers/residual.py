"""Residual connections: two branches of one feature map, added."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from bnnhw.errors import NetworkError
from bnnhw.ir.codec import CODECS, Codec, LayerReader, LayerWriter
from bnnhw.ir.layer import MAX_DEPTH, Branches, Layer, Shape, follow
from bnnhw.ir.types import DataType

__all__ = ["Residual"]


@dataclass(frozen=True)
class Residual(Layer):
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

    kind: ClassVar[str] = "residual"
    branch_names: ClassVar[tuple[str, ...]] = ("body", "shortcut")

    name: str
    shape: Shape
    input: DataType
    body: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()
    _shape_out: Shape = field(init=False, repr=False, compare=False)
    _output: DataType = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.body:
            raise NetworkError(f"layer {self.name}: body must have at least one layer")
        if self.depth > MAX_DEPTH:
            raise NetworkError(f"layer {self.name}: residual layers must nest at most {MAX_DEPTH} deep")
        # Derived here once: each level of nesting would double the work.
        (body, a), (shortcut, b) = (follow(self.shape, self.input, branch) for branch in self.branches)
        if body != shortcut:
            raise NetworkError(f"layer {self.name}: branches must end in one shape, not {body} and {shortcut}")
        output = DataType.emitted(self.name, a.minimum + b.minimum, a.maximum + b.maximum)
        object.__setattr__(self, "_shape_out", body)
        object.__setattr__(self, "_output", output)

    @property
    def output(self) -> DataType:
        """Type of the sums. Bipolar elements add as -1 and +1."""
        return self._output

    @property
    def shape_in(self) -> Shape:
        return self.shape

    @property
    def shape_out(self) -> Shape:
        return self._shape_out

    @property
    def branches(self) -> Branches:
        """Body, shortcut."""
        return (self.body, self.shortcut)

    def with_branches(self, branches: Branches, dtype: DataType | None = None) -> Residual:
        body, shortcut = branches
        return replace(self, input=self.input if dtype is None else dtype, body=body, shortcut=shortcut)


def _describe(layer: Residual, out: LayerWriter) -> dict[str, Any]:
    return {
        "shape": [int(size) for size in layer.shape],
        "body": out.layers("body", layer.body),
        "shortcut": out.layers("shortcut", layer.shortcut),
    }


def _read(entry: LayerReader) -> Residual:
    dtype, shape = entry.input, entry.shape
    if entry.depth == MAX_DEPTH:
        raise entry.error(f"residual layers must nest at most {MAX_DEPTH} deep")
    body, shortcut = entry.layers("body"), entry.layers("shortcut")
    return Residual(entry.name, shape, dtype, body, shortcut)


CODECS.add(Residual, Codec(_describe, _read))
