"""The emitted Verilog of popcounts through every scenario."""

from __future__ import annotations

from rtl_tests.bench_checks import BenchTests
from rtl_tests.popcount.bench import UNITS


class TestBench(BenchTests):
    units = UNITS
