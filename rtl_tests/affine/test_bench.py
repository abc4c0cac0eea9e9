"""The emitted Verilog of affine units through every scenario."""

from __future__ import annotations

from rtl_tests.affine.bench import UNITS
from rtl_tests.bench_checks import BenchTests


class TestBench(BenchTests):
    units = UNITS
