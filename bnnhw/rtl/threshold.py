"""From an accumulator to an activation: how many thresholds it meets."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.ir import DataType
from bnnhw.rtl.shapes import integer_shape
from bnnhw.rtl.threshold_words import pack_thresholds, threshold_word_bits

__all__ = ["Threshold", "counted", "pack_thresholds", "threshold_word_bits"]


def counted(met: Sequence[Value]) -> Value:
    """How many of some bits are 1."""
    terms = list(met)
    while len(terms) > 1:
        pairs = [terms[k : k + 2] for k in range(0, len(terms), 2)]
        terms = [pair[0] + pair[1] if len(pair) == 2 else pair[0] for pair in pairs]
    return terms[0]


class Threshold(wiring.Component):
    """The code of the level ``sum over k of (value >= T_k)``.

    Free running, II = 1, no stall. Latency: 1 cycle for one threshold, 2 for more. Storage: one register per
    threshold, and with more than one the code's.

    Parameters
    ----------
    range : tuple of int
        Least and greatest value.
    output : DataType
        Its ``levels - 1`` thresholds; level 0 is its least value.
    inverted : bool
        Whether thresholds come with every bit inverted. A comparison subtracts, and where a carry chain spends a LUT4
        per bit on the inversion (:attr:`~bnnhw.devices.Technology.subtracts` is not so) that undoes the other; where
        it spends none, inverted thresholds cost a LUT4 per bit.

    Members
    -------
    value : In
    thresholds : In(threshold_word_bits)
        T_0 in the lowest bits; each in ``low..high + 1``, in two's complement where ``low`` is negative.
    code : Out(output.bits)
    """

    clocked = True

    def __init__(self, range: tuple[int, int], output: DataType, *, inverted: bool = True) -> None:  # noqa: A002
        self._range = range
        self._output = output
        self._inverted = inverted
        low, high = range
        self._value = integer_shape(low, high)
        self._threshold = integer_shape(low, high + 1)
        self.levels = output.levels - 1
        super().__init__(
            {"value": In(self._value), "thresholds": In(threshold_word_bits(range, output)), "code": Out(output.bits)}
        )

    @property
    def module_name(self) -> str:
        low, high = self._range
        plain = "" if self._inverted else "_plain"
        return f"bnnhw_threshold_{'m' if low < 0 else ''}{abs(low)}_{high}_{self._output}{plain}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        width = self._threshold.width
        met = Signal(self.levels, reset_less=True)
        for k in range(self.levels):
            threshold = Signal(self._threshold, name=f"threshold_{k}")
            bits = self.thresholds[k * width : (k + 1) * width]
            m.d.comb += threshold.eq(~bits if self._inverted else bits)
            m.d.sync += met[k].eq(self.value >= threshold)
        if self.levels == 1:
            m.d.comb += self.code.eq(met)
            return m
        level = Signal(self._output.bits)
        m.d.comb += level.eq(counted(list(met)))
        code = Signal(self._output.bits, reset_less=True)
        # Two's complement of a level counted from the least value: the top bit inverted.
        m.d.sync += code.eq(Cat(level[:-1], ~level[-1]) if self._output.kind == "int" else level)
        m.d.comb += self.code.eq(code)
        return m
