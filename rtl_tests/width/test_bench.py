"""The emitted Verilog of width converters through every scenario."""

from __future__ import annotations

from rtl_tests.bench_checks import BenchTests
from rtl_tests.width.bench import UNITS


class TestBench(BenchTests):
    units = UNITS
