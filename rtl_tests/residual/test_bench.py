"""The emitted Verilog of fork, body, queue and join through every scenario."""

from __future__ import annotations

from rtl_tests.bench_checks import BenchTests
from rtl_tests.residual.bench import UNITS


class TestBench(BenchTests):
    units = UNITS
