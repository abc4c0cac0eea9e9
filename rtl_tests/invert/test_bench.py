"""The emitted Verilog of channel inverters through every scenario."""

from __future__ import annotations

from rtl_tests.bench_checks import BenchTests
from rtl_tests.invert.bench import UNITS


class TestBench(BenchTests):
    units = UNITS
