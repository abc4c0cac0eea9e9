"""The emitted Verilog of output units through every scenario."""

from __future__ import annotations

from rtl_tests.argmax.bench import UNITS
from rtl_tests.bench_checks import BenchTests


class TestBench(BenchTests):
    units = UNITS
