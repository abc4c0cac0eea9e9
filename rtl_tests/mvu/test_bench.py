"""The emitted Verilog of matrix-vector units through every scenario."""

from __future__ import annotations

from rtl_tests.bench_checks import BenchTests
from rtl_tests.mvu.bench import UNITS


class TestBench(BenchTests):
    units = UNITS
