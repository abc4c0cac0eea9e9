"""The emitted Verilog of spatial matrix units through every scenario."""

from __future__ import annotations

from rtl_tests.bench_checks import BenchTests
from rtl_tests.spatial.bench import UNITS


class TestBench(BenchTests):
    units = UNITS
