"""The emitted Verilog of the serial link through every scenario."""

from __future__ import annotations

from rtl_tests.bench_checks import BenchTests
from rtl_tests.uart.bench import UNITS


class TestBench(BenchTests):
    units = UNITS
