"""The emitted Verilog of several units as one pipeline through every scenario."""

from __future__ import annotations

from rtl_tests.bench_checks import BenchTests
from rtl_tests.straight.bench import UNITS


class TestBench(BenchTests):
    units = UNITS
