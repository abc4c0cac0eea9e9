"""The emitted Verilog of the output units of a frame per cycle through every scenario."""

from __future__ import annotations

from rtl_tests.bench_checks import BenchTests
from rtl_tests.best.bench import UNITS


class TestBench(BenchTests):
    units = UNITS
