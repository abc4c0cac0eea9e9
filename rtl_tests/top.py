"""One top with every unit in it: Verilator's build costs far more than the simulation, so there is one."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from rtl_tests import datapath, elementwise, engines, maps, queues
from rtl_tests.bench import FreeUnit, StreamUnit
from rtl_tests.link import make_link

__all__ = ["FREE_UNITS", "STREAM_UNITS", "TOP", "Units"]

TOP = "units"
STREAM_UNITS: dict[str, StreamUnit] = {
    unit.name: unit for unit in (*queues.UNITS, *engines.UNITS, *maps.UNITS, *elementwise.UNITS)
}
FREE_UNITS: dict[str, FreeUnit] = {unit.name: unit for unit in datapath.UNITS}


class Units(wiring.Component):
    """Every unit, side by side; a unit's ports have its name as prefix."""

    def __init__(self) -> None:
        self._units = {u.name: u.make() for u in (*STREAM_UNITS.values(), *FREE_UNITS.values())}
        self._units["link"] = make_link()
        super().__init__({name: Out(unit.signature) for name, unit in self._units.items()})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        for name, unit in self._units.items():
            m.submodules[name] = unit
            wiring.connect(m, wiring.flipped(getattr(self, name)), unit)
        return m
