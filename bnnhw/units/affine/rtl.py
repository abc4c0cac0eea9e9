"""Integer affines element by element, each channel with its own."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Const, Module, Signal, Value
from numpy.typing import NDArray

from bnnhw.rtl.elementwise import Elementwise
from bnnhw.units.affine.model import AffineUnit

__all__ = ["Affiner"]


class Affiner(Elementwise):
    """Multiplies elements by their channel's multiplier and adds its offset, in integers.

    With ``t`` of :attr:`model.timing`:

    - Input, output: ``t.words`` words per frame; channel ``c`` of a position is lane ``c % lanes`` of its word
      ``c // lanes``. Lanes past the last channel are undefined.
    - II = 1 word per cycle. Latency of a word = ``t.depth``.
    - Stalls: accepts a word while fewer than ``t.credits`` are accepted and not taken.
    - Storage: the constants in logic; ``t.credits`` output words, and the registers of the pipeline.

    Multipliers that are powers of two, up to their signs, are shifts; others are sums of partial products, one adder
    per bit of the multiplier, where a bit that no channel of a lane has costs nothing.

    Parameters
    ----------
    model : AffineUnit

    Members
    -------
    input : stream of ``unsigned(lanes * layer.input.bits)``
    output : stream of ``unsigned(lanes * layer.output.bits)``
    """

    def __init__(self, model: AffineUnit) -> None:
        self.model = model
        self.layer = model.layer
        self._width = model.layer.output.bits
        super().__init__(model.lanes, model.layer.input, model.layer.output, model.timing)

    @property
    def _shifts(self) -> list[int]:
        """The distinct shifts of multipliers that are powers of two."""
        return sorted({abs(m).bit_length() - 1 for m in self.layer.multiplier.tolist() if m})

    @property
    def _product_bits(self) -> int:
        """Columns of constants that the product needs: for each shift whether it is it, and the sign; or the bits."""
        if not self.model.timing.multiply:
            return 0
        return len(self._shifts) + 1 if self.model.shifts else self.model.multiplier_bits

    def constants(self) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
        p, multiplier, offset = self.model.timing, self.layer.multiplier, self.layer.offset
        product, width = self._product_bits, self._width if self.model.timing.add else 0
        columns = np.zeros((len(multiplier), product + width), np.uint8)
        if p.multiply and self.model.shifts:
            for column, shift in enumerate(self._shifts):
                columns[:, column] = np.abs(multiplier) == 1 << shift
            columns[:, product - 1] = multiplier < 0
        elif p.multiply:
            columns[:, :product] = multiplier[:, None] >> np.arange(product) & 1
        if self.model.shifts:
            # The complement of a number is one less than its negative.
            offset = offset + (multiplier < 0)
        columns[:, product:] = offset[:, None] >> np.arange(width) & 1
        return columns, (0,) * product + (p.multiply,) * width

    def result(self, m: Module, platform: object, lane: int, value: Value, constants: Value) -> Value:
        # All of it modulo the width of the result, which holds every result.
        x = Signal(self._width, name=f"x_{lane}")
        m.d.comb += x.eq(value)
        product = self._product_bits
        total: Value = x
        if self.model.timing.multiply:
            factor = constants[:product]
            total = self._shifted(m, lane, x, factor) if self.model.shifts else self._product(m, lane, x, factor)
        if self.model.timing.add:
            result = Signal(self._width, name=f"sum_{lane}", reset_less=True)
            m.d.sync += result.eq(total + constants[product:])
            total = result
        return total

    def _shifted(self, m: Module, lane: int, x: Signal, factor: Value) -> Value:
        """The shift that is chosen, complemented if the multiplier is negative; 0 if none is chosen."""
        chosen: Value = Const(0, self._width)
        for column, shift in enumerate(self._shifts):
            chosen = chosen | ((x << shift)[: self._width] & factor[column].replicate(self._width))
        product = Signal(self._width, name=f"product_{lane}", reset_less=True)
        m.d.sync += product.eq(chosen ^ factor[len(self._shifts)].replicate(self._width))
        return product

    def _product(self, m: Module, lane: int, x: Signal, factor: Value) -> Value:
        """The sum of the partial products, one register per tree level; the sign's is subtracted."""
        multiplier = self.layer.multiplier[lane :: self.model.lanes]
        top = len(factor) - 1 if int(self.layer.multiplier.min()) < 0 else len(factor)
        # Partial products, and whether each counts negative.
        terms: list[tuple[Value, bool]] = [(Const(0, self._width), False)]
        for bit in range(len(factor)):
            if (multiplier >> bit & 1).any():
                terms.append(((x << bit)[: self._width] & factor[bit].replicate(self._width), bit == top))
        if len(terms) > 1 and not terms[1][1]:
            # The zero in front serves a sign alone.
            del terms[0]
        for level in range(self.model.timing.multiply):
            sums: list[tuple[Value, bool]] = []
            for k in range(0, len(terms), 2):
                (one, one_negative), *rest = terms[k : k + 2]
                total = Signal(self._width, name=f"product_{lane}_{level}_{k // 2}", reset_less=True)
                joined = one
                if rest:
                    joined = one - rest[0][0] if rest[0][1] else one + rest[0][0]
                m.d.sync += total.eq(joined)
                # A sign is the last of its level, so it is subtracted as soon as it has a partner.
                sums.append((total, one_negative))
            terms = sums
        return terms[0][0]
