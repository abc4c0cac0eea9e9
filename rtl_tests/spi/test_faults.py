"""Frames through SPI lines with faults."""

from __future__ import annotations

from rtl_tests.packets.fault_tests import FaultTests
from rtl_tests.spi.faults import LINE


class TestFaults(FaultTests):
    line = LINE
    # Polls are bits too.
    every = 1200
    resent = 5
