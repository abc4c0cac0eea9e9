"""The emitted Verilog of lookup units through every scenario."""

from __future__ import annotations

from rtl_tests.bench_checks import BenchTests
from rtl_tests.lookup.bench import UNITS


class TestBench(BenchTests):
    units = UNITS
