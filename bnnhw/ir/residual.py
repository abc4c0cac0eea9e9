"""Residual connections: two branches of one feature map, added."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bnnhw.errors import NetworkError
from bnnhw.ir.types import DataType

if TYPE_CHECKING:
    from bnnhw.ir.network import Layer

__all__ = ["MAX_DEPTH", "Residual"]

MAX_DEPTH = 8
"""Deepest nesting of residual layers: published networks have 1 or 2, and code that walks networks recurses."""


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
