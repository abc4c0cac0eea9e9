"""The kinds of units an accelerator consists of: what hardware needs to make one, and its cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from bnnhw.folding.elementwise import AffinePipeline, ElementPipeline
from bnnhw.folding.folded import LayerFolding
from bnnhw.folding.gearbox import Gearbox
from bnnhw.folding.pipeline import ArgmaxPipeline, MvuPipeline
from bnnhw.folding.pool import InverterPipeline, PoolPipeline
from bnnhw.folding.residual import AddPipeline, BufferPipeline, ForkPipeline
from bnnhw.folding.window import WindowPipeline
from bnnhw.ir import Affine, DataType, Dense, MaxPool, Output, Quantize, SumPool, Window

__all__ = [
    "AddUnit",
    "AffineUnit",
    "ArgmaxUnit",
    "BufferUnit",
    "ForkUnit",
    "InverterUnit",
    "MvuUnit",
    "PoolUnit",
    "QuantizeUnit",
    "Unit",
    "WidthUnit",
    "WindowUnit",
]


class _Whole:
    """A unit whose flow is that of a whole frame."""

    repeats: ClassVar[int] = 1


@dataclass(frozen=True)
class MvuUnit:
    """A matrix-vector unit; ``repeats`` vectors a frame."""

    kind: ClassVar[str] = "mvu"
    layer: Dense
    folding: LayerFolding
    pipeline: MvuPipeline
    repeats: int = 1


@dataclass(frozen=True)
class WidthUnit:
    """A width converter; ``repeats`` groups of elements a frame."""

    kind: ClassVar[str] = "width"
    pipeline: Gearbox
    repeats: int


@dataclass(frozen=True)
class WindowUnit(_Whole):
    """A window unit: ``lanes`` elements of ``bits`` bits a word, given in ``order``."""

    kind: ClassVar[str] = "window"
    window: Window
    bits: int
    lanes: int
    padding_code: int
    order: str
    pipeline: WindowPipeline


@dataclass(frozen=True)
class InverterUnit(_Whole):
    """Complements the channels of which a pooling layer takes the minimum."""

    kind: ClassVar[str] = "invert"
    layer: MaxPool
    lanes: int
    pipeline: InverterPipeline


@dataclass(frozen=True)
class PoolUnit(_Whole):
    """Reduces the taps of a window, which a window unit gives channel by channel."""

    kind: ClassVar[str] = "pool"
    layer: MaxPool | SumPool
    lanes: int
    pipeline: PoolPipeline


@dataclass(frozen=True)
class QuantizeUnit(_Whole):
    """Thresholds, element by element."""

    kind: ClassVar[str] = "quantize"
    layer: Quantize
    lanes: int
    pipeline: ElementPipeline


@dataclass(frozen=True)
class AffineUnit(_Whole):
    """Multiplier and offset, element by element."""

    kind: ClassVar[str] = "affine"
    layer: Affine
    lanes: int
    pipeline: AffinePipeline


@dataclass(frozen=True)
class ForkUnit(_Whole):
    """One stream of ``width`` bits to two."""

    kind: ClassVar[str] = "fork"
    width: int
    pipeline: ForkPipeline


@dataclass(frozen=True)
class BufferUnit(_Whole):
    """A queue that lets one branch run ahead of the other."""

    kind: ClassVar[str] = "buffer"
    pipeline: BufferPipeline


@dataclass(frozen=True)
class AddUnit(_Whole):
    """Adds two streams, element by element."""

    kind: ClassVar[str] = "add"
    first: DataType
    second: DataType
    output: DataType
    lanes: int
    pipeline: AddPipeline


@dataclass(frozen=True)
class ArgmaxUnit(_Whole):
    """Scores, and the class with the highest; ``layer`` and its folding are the matrix layer before it."""

    kind: ClassVar[str] = "argmax"
    output: Output
    layer: Dense
    folding: LayerFolding
    pipeline: ArgmaxPipeline


Unit: TypeAlias = (
    MvuUnit
    | WidthUnit
    | WindowUnit
    | InverterUnit
    | PoolUnit
    | QuantizeUnit
    | AffineUnit
    | ForkUnit
    | BufferUnit
    | AddUnit
    | ArgmaxUnit
)
"""Every kind has a ``pipeline`` with ``interval`` and ``flow``, and does ``repeats`` of its frames in one of the
network's."""
