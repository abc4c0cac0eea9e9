"""What runs inside the simulator: every unit through every scenario."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from rtl_tests.bench import Bench
from rtl_tests.scenarios import SCENARIOS
from rtl_tests.top import FREE_UNITS, PIN_UNITS, STREAM_UNITS


def _seed(name: str) -> int:
    """The same on every run, another one for every test."""
    return zlib.crc32(name.encode())


def _named(names: Iterable[str]) -> list[cocotb.Param]:
    """Values that appear in the names of the tests as themselves, not as numbers."""
    return [cocotb.Param(name, name) for name in names]


@cocotb.test()
@cocotb.parametrize(unit=_named(STREAM_UNITS), scenario=_named(SCENARIOS))
async def stream(dut: Any, unit: str, scenario: str) -> None:
    bench = Bench(dut, STREAM_UNITS[unit], _seed(f"{unit} {scenario}"))
    await bench.start()
    await SCENARIOS[scenario](bench)
    assert bench.checked > 0


@cocotb.test()
@cocotb.parametrize(unit=_named(FREE_UNITS))
async def free_running(dut: Any, unit: str) -> None:
    """500 random words, one per cycle."""
    what = FREE_UNITS[unit]
    stimulus = what.stimulus(random.Random(_seed(unit)), 500)
    expected = what.expected(stimulus)
    ports = {name: getattr(dut, f"{unit}_{name}") for name in stimulus if not name.startswith("_")}
    output = getattr(dut, f"{unit}_{what.output}")
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    checked = 0
    for cycle, due in enumerate(expected):
        for name, port in ports.items():
            port.value = stimulus[name][cycle]
        await FallingEdge(dut.clk)
        if due is not None:
            assert int(output.value) == due, f"cycle {cycle}: expected {due}, got {int(output.value)}"
            checked += 1
        await RisingEdge(dut.clk)
    assert checked > 50


PIN_TESTS = {f"{unit.name}.{name}": run for unit in PIN_UNITS.values() for name, run in unit.scenarios.items()}


@cocotb.test()
@cocotb.parametrize(test=_named(PIN_TESTS))
async def pins(dut: Any, test: str) -> None:
    await PIN_TESTS[test](dut, _seed(test))
