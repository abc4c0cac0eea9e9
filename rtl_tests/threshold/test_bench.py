"""The emitted Verilog of thresholds through every scenario."""

from __future__ import annotations

from rtl_tests.bench_checks import BenchTests
from rtl_tests.threshold.bench import UNITS


class TestBench(BenchTests):
    units = UNITS
