"""A LUT4 that chooses."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Choice"]


class Choice(wiring.Component):
    """One LUT4 of a choice, a module of its own: mapped together with others, all would grow.

    A choice of a constant stays one too: as a register's reset it would be a net that is slow, and a register of its
    own kind.

    Parameters
    ----------
    part : str
        ``"pair"``: ``b if select else a``. A choice of four is two of them, both of which know the upper select:
        ``"lower"`` chooses from the first two, or where the upper select is 1 passes the lower one on, and ``"upper"``
        then chooses by it from the other two.

    Members
    -------
    a, b, select, upper : In(1)
        Of the part ``"upper"`` ``select`` is what ``"lower"`` gives.
    chosen : Out(1)
    """

    clocked = False

    def __init__(self, part: str) -> None:
        self._part = part
        super().__init__({"a": In(1), "b": In(1), "select": In(1), "upper": In(1), "chosen": Out(1)})

    @property
    def module_name(self) -> str:
        return f"bnnhw_choice_{self._part}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        pair = Mux(self.select, self.b, self.a)
        parts = {
            "pair": pair,
            "lower": Mux(self.upper, self.select, pair),
            "upper": Mux(self.upper, pair, self.select),
        }
        m.d.comb += self.chosen.eq(parts[self._part])
        return m
