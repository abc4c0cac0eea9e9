"""The emitted Verilog of a whole accelerator through every scenario."""

from __future__ import annotations

from rtl_tests.accelerator.bench import UNITS
from rtl_tests.bench_checks import BenchTests


class TestBench(BenchTests):
    units = UNITS
