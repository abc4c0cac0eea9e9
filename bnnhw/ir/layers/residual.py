"""Residual connections: two branches of one feature map, added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bnnhw.errors import NetworkError
from bnnhw.ir.branching import TwoBranches, describe_branches, read_branches
from bnnhw.ir.codec import CODECS, Codec, LayerReader
from bnnhw.ir.layer import Layer, Shape
from bnnhw.ir.types import DataType

__all__ = ["Residual"]


@dataclass(frozen=True)
class Residual(TwoBranches):
    """Two branches of one stream, added element by element (Bi-Real Net's and ReActNet's shortcuts).

    Its elements have the type of the sums. Bipolar elements add as -1 and +1.

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

    body: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()

    def __post_init__(self) -> None:
        if not self.body:
            raise NetworkError(f"layer {self.name}: body must have at least one layer")
        super().__post_init__()

    def meet(self, one: tuple[Shape, DataType], two: tuple[Shape, DataType]) -> tuple[Shape, DataType]:
        (body, a), (shortcut, b) = one, two
        if body != shortcut:
            raise NetworkError(f"layer {self.name}: branches must end in one shape, not {body} and {shortcut}")
        return body, DataType.emitted(self.name, a.minimum + b.minimum, a.maximum + b.maximum)


def _read(entry: LayerReader) -> Residual:
    return Residual(**read_branches(entry, Residual.branch_names))


CODECS.add(Residual, Codec(describe_branches, _read))
