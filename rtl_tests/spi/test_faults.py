"""A sample of benchmarks/measure_link_faults.py: no frame is answered wrong, none is lost."""

from __future__ import annotations

import pytest

from rtl_tests.packets.campaign import campaign
from rtl_tests.spi.faults import LINE

EVERY = 1200
"""Bits from fault to fault: polls are bits too."""


def test_a_good_line() -> None:
    outcome = campaign(LINE, (), 100, 1)
    assert outcome.as_dict() == {
        "frames": 100,
        "faults_in": 0,
        "faults_out": 0,
        "resent": 0,
        "reported": 0,
        "wrong": 0,
    }


@pytest.mark.parametrize("kind", LINE.faults)
def test_each_kind_of_fault(kind: str) -> None:
    """Every frame is answered right, though some are sent again; seldom a host gives up, and says so."""
    outcome = campaign(LINE, (kind,), 100, 1, EVERY)
    assert outcome.wrong == 0
    assert outcome.faults_in >= 15 and outcome.faults_out >= 15
    assert outcome.resent >= 5
    assert outcome.reported <= 5
