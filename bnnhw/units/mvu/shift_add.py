"""The sum over bit planes that come one after another, the highest first."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.rtl.shapes import integer_shape

__all__ = ["ShiftAdd"]


class ShiftAdd(wiring.Component):
    """Horner's scheme: ``sum over i of 2**i * plane[i]``, from plane P - 1 down, twice the sum so far plus the next.

    Free running. Latency: the sum of a neuron is in :attr:`total` in the cycle after its last plane. Storage: the
    sum, and one register. No sum on the way is outside the range of the whole one.

    Parameters
    ----------
    plane, total : tuple of int
        Least and greatest of a plane, and of the whole sum.
    signed_top : bool
        Whether the highest plane counts negative, as in two's complement.

    Members
    -------
    value : In
        A plane's sum.
    valid, ends : In(1)
        Whether it counts; whether it is the last plane of a neuron.
    total : Out
    """

    clocked = True

    def __init__(self, plane: tuple[int, int], total: tuple[int, int], *, signed_top: bool) -> None:
        self._signed_top = signed_top
        self._limits = (*plane, *total)
        super().__init__(
            {
                "value": In(integer_shape(*plane)),
                "valid": In(1),
                "ends": In(1),
                "total": Out(integer_shape(*total)),
            }
        )

    @property
    def module_name(self) -> str:
        limits = "_".join(f"m{-limit}" if limit < 0 else str(limit) for limit in self._limits)
        return f"bnnhw_shift_add_{limits}{'_signed' if self._signed_top else ''}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        total, first = Signal(self.total.shape(), reset_less=True), Signal(init=1)
        with m.If(self.valid):
            top = -self.value if self._signed_top else self.value
            m.d.sync += [first.eq(self.ends), total.eq(Mux(first, top, (total << 1) + self.value))]
        m.d.comb += self.total.eq(total)
        return m
