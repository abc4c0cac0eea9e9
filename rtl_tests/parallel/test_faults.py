"""Frames through a parallel port with faults."""

from __future__ import annotations

from rtl_tests.packets.fault_tests import FaultTests
from rtl_tests.parallel.faults import LINE


class TestFaults(FaultTests):
    line = LINE
    resent = 5
