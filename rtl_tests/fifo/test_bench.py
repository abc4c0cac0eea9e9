"""The emitted Verilog of queues through every scenario."""

from __future__ import annotations

from rtl_tests.bench_checks import BenchTests
from rtl_tests.fifo.bench import UNITS


class TestBench(BenchTests):
    units = UNITS
