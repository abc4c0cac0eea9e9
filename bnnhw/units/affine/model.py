"""The affine unit, ``multiplier * x + offset``: its streams, cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.inventory import Inventory, element_inventory, rom, sums
from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import ElementTiming
from bnnhw.ir import Affine
from bnnhw.ir.types import narrowest

if TYPE_CHECKING:
    from bnnhw.units.affine.rtl import Affiner

__all__ = ["AffineTiming", "AffineUnit"]


@dataclass(frozen=True)
class AffineTiming(ElementTiming):
    """Cycles of ``multiplier * x + offset``.

    Parameters
    ----------
    multiply, add : int
        Cycles of the product and of the sum; 0 where all multipliers are 1, all offsets 0.
    """

    multiply: int
    add: int


@dataclass(frozen=True)
class AffineUnit(Unit):
    """Multiplies elements by their channel's multiplier and adds its offset, in integers.

    Parameters
    ----------
    layer : Affine
    lanes : int
        Elements per word.
    """

    kind = "affine"

    layer: Affine
    lanes: int

    def __post_init__(self) -> None:
        if self.lanes < 1:
            raise ValueError(f"lanes must be positive, not {self.lanes}")

    @cached_property
    def shifts(self) -> bool:
        """Whether every multiplier is 0 or, up to its sign, a power of two: the product is a choice of shifts.

        A negative multiplier complements, and its offset has the 1 that two's complement wants.
        """
        size = np.abs(self.layer.multiplier)
        return not (size & (size - 1)).any()

    @property
    def multiplier_bits(self) -> int:
        """Width of the multipliers."""
        multiplier = self.layer.multiplier
        return narrowest(int(multiplier.min()), int(multiplier.max()))[0]

    @property
    def folds(self) -> int:
        """Words per position."""
        return -(-self.layer.shape[0] // self.lanes)

    @cached_property
    def timing(self) -> AffineTiming:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A general multiplier of B bits is summed up from B partial products in ``ceil(log2 B)`` cycles."""
        layer = self.layer
        if (layer.multiplier == 1).all():
            multiply = 0
        elif self.shifts:
            multiply = 1
        else:
            multiply = (self.multiplier_bits - 1).bit_length()
        offset = layer.offset + (layer.multiplier < 0) if self.shifts else layer.offset
        add = int(offset.any())
        words = layer.shape[1] * layer.shape[2] * self.folds
        return AffineTiming(words, 1 if self.folds == 1 else 2, multiply + add, multiply, add)

    @property
    def inputs(self) -> tuple[StreamFormat]:
        return (self._format(self.layer.input.bits),)

    @property
    def outputs(self) -> tuple[StreamFormat]:
        return (self._format(self.layer.output.bits),)

    def _format(self, bits: int) -> StreamFormat:
        channels, height, width = self.layer.shape
        return StreamFormat(self.lanes, bits, channels, channels * height * width)

    def inventory(self) -> Inventory:
        layer, t, lanes = self.layer, self.timing, self.lanes
        bits = layer.output.bits
        columns = t.add * bits
        found = element_inventory(t, lanes, layer.input.bits, bits, self.folds)
        if t.multiply and self.shifts:
            shifts = len(np.unique(np.abs(layer.multiplier[layer.multiplier != 0])))
            columns += shifts + 1
            found += Inventory({"affine.shift": lanes * bits * shifts, "affine.product": lanes * bits})
        elif t.multiply:
            terms = self.multiplier_bits
            columns += terms
            kind = "affine.constant" if self.folds == 1 else "affine.term"
            found += Inventory({kind: lanes * bits * terms, "affine.product": lanes * bits * t.multiply})
        kind = "affine.sum.constant" if self.folds == 1 else "affine.sum"
        if t.add:
            found += sums(kind, bits, lanes) + Inventory({"register": lanes * bits})
        return found + rom("table", self.folds, lanes * columns, lanes)

    def component(self) -> Affiner:
        from bnnhw.units.affine.rtl import Affiner

        return Affiner(self)
