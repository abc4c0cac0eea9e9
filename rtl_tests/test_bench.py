"""The benches themselves, without a simulator: what is wrong must be noticed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("cocotb")

from rtl_tests.bench import Checker, Driver, Monitor
from rtl_tests.lanes import Expected


def _stream() -> Any:
    return SimpleNamespace(**{f"s_{name}": SimpleNamespace(value=0) for name in ("valid", "ready", "payload")})


def _monitor(cycles: list[tuple[int, int, bool]]) -> Monitor:
    """A monitor that has seen these cycles: valid, payload, ready."""
    dut = _stream()
    readiness = iter([ready for _, _, ready in cycles])
    monitor = Monitor(dut, "s", lambda: next(readiness))
    for cycle, (valid, payload, _) in enumerate(cycles):
        monitor.drive()
        dut.s_valid.value, dut.s_payload.value = valid, payload
        monitor.sample(cycle)
    return monitor


def test_monitor_takes_what_is_offered_and_wanted() -> None:
    monitor = _monitor([(0, 9, True), (1, 5, False), (1, 5, True), (1, 6, True), (0, 0, False)])
    assert monitor.taken == [5, 6]
    assert monitor.offered == [1, 3]


def test_monitor_notices_a_withdrawn_word() -> None:
    with pytest.raises(AssertionError, match=r"^cycle 1: a word was withdrawn"):
        _monitor([(1, 5, False), (0, 5, True)])


def test_monitor_notices_a_changed_word() -> None:
    with pytest.raises(AssertionError, match=r"^cycle 1: a word changed from 0x5 to 0x6"):
        _monitor([(1, 5, False), (1, 6, True)])


def test_driver_holds_its_word_until_it_is_accepted() -> None:
    dut = _stream()
    # Unwilling only before the first word: an offered one must stay whatever the pace says.
    pace = iter([False, True])
    driver = Driver(dut, "s", lambda: next(pace))
    driver.words.extend([3])
    seen = []
    for cycle, ready in enumerate([1, 0, 0, 1, 1]):
        driver.drive()
        dut.s_ready.value = ready
        driver.sample(cycle)
        seen.append((dut.s_valid.value, dut.s_payload.value))
    assert seen == [(0, 0), (1, 3), (1, 3), (1, 3), (0, 3)]
    assert driver.accepted == [3]


def test_checker_compares_what_is_defined() -> None:
    checker = Checker()
    checker.expect([Expected(0b0101, 0b0111), Expected(2, 3)])
    checker.check([0b1101])
    assert (checker.checked, checker.outstanding) == (1, 1)
    with pytest.raises(AssertionError, match=r"^word 1: expected 0x2, got 0x1 \(mask 0x3\)"):
        checker.check([0b1101, 1])


def test_checker_notices_an_invented_word() -> None:
    with pytest.raises(AssertionError, match=r"^word 0: 0x7 was invented"):
        Checker().check([7])
