"""What frames through a line with faults are held to, whatever the line."""

from __future__ import annotations

from typing import ClassVar

import pytest

from rtl_tests.packets.campaign import EVERY, FaultyLine, campaign

__all__ = ["FaultTests"]


class FaultTests:
    """A sample of benchmarks/measure_link_faults.py: no frame is answered wrong, none is lost.

    Attributes
    ----------
    line : FaultyLine
    every : int
        Bits from fault to fault.
    resent : int
        Frames sent again at least, of 100.
    """

    line: ClassVar[FaultyLine]
    every: ClassVar[int] = EVERY
    resent: ClassVar[int]

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        if "fault" in metafunc.fixturenames:
            metafunc.parametrize("fault", cls.line.faults)

    def test_a_good_line(self) -> None:
        outcome = campaign(self.line, (), 100, 1).as_dict()
        assert outcome.pop("frames") == 100
        assert set(outcome) == {"faults_in", "faults_out", "resent", "reported", "wrong"}
        assert set(outcome.values()) == {0}

    def test_each_kind_of_fault(self, fault: str) -> None:
        """Every frame is answered right, though some are sent again; seldom a host gives up, and says so."""
        outcome = campaign(self.line, (fault,), 100, 1, self.every)
        assert outcome.wrong == 0
        assert outcome.faults_in >= 15 and outcome.faults_out >= 15
        assert outcome.resent >= self.resent
        assert outcome.reported <= 5
