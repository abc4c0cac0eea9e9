"""One top with every unit in it: Verilator's build costs far more than the simulation, so there is one.

What is simulated of a unit stands in the ``bench.py`` of its folder, as ``UNITS``; the folders are found here.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from rtl_tests.case import BenchCase, FreeUnit, PinUnit, StreamUnit
from rtl_tests.scenarios import SCENARIOS

__all__ = ["FREE_UNITS", "PIN_UNITS", "STREAM_UNITS", "TOP", "Units", "tests_of"]

TOP = "units"


def _units() -> dict[str, BenchCase]:
    folders = sorted(path.parent.name for path in Path(__file__).parent.glob("*/bench.py"))
    units = [unit for folder in folders for unit in import_module(f"rtl_tests.{folder}.bench").UNITS]
    found = {unit.name: unit for unit in units}
    if len(found) != len(units):
        raise ValueError(f"names of units must differ: {', '.join(unit.name for unit in units)}")
    return found


UNITS = _units()
STREAM_UNITS = {name: unit for name, unit in UNITS.items() if isinstance(unit, StreamUnit)}
FREE_UNITS = {name: unit for name, unit in UNITS.items() if isinstance(unit, FreeUnit)}
PIN_UNITS = {name: unit for name, unit in UNITS.items() if isinstance(unit, PinUnit)}


def tests_of(unit: BenchCase) -> list[str]:
    """The names of the cocotb tests that a unit goes through."""
    match unit:
        case StreamUnit():
            return [f"stream/unit={unit.name}/scenario={scenario}" for scenario in SCENARIOS]
        case FreeUnit():
            return [f"free_running/unit={unit.name}"]
        case PinUnit():
            return [f"pins/test={unit.name}.{scenario}" for scenario in unit.scenarios]


class Units(wiring.Component):
    """Every unit, side by side; a unit's ports have its name as prefix."""

    def __init__(self) -> None:
        self._units = {name: unit.make() for name, unit in UNITS.items()}
        super().__init__({name: Out(unit.signature) for name, unit in self._units.items()})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        for name, unit in self._units.items():
            m.submodules[name] = unit
            wiring.connect(m, wiring.flipped(getattr(self, name)), unit)
        return m
