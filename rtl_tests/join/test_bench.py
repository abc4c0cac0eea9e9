"""The emitted Verilog of the unit that joins through every scenario."""

from __future__ import annotations

from rtl_tests.bench_checks import BenchTests
from rtl_tests.join.bench import UNITS


class TestBench(BenchTests):
    units = UNITS
