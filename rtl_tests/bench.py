"""Benches of emitted Verilog, cycle by cycle: drivers, monitors and checkers.

A cycle is what lies between two rising edges of the clock. Inputs are set after the edge that begins it; outputs are
sampled at the falling edge in its middle, when everything has settled, and hold at the edge that ends it.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected

__all__ = ["Bench", "Checker", "Driver", "Monitor", "Pace"]

Pace: TypeAlias = Callable[[], bool]
"""Asked once per cycle: whether to offer a word, or to be ready for one."""

T = TypeVar("T")


@dataclass
class Driver:
    """Offers words on a stream; an offered word stays until it is accepted.

    Parameters
    ----------
    dut : cocotb handle
    prefix : str
        Of the stream's ports.
    pace : Pace
    """

    dut: Any
    prefix: str
    pace: Pace
    words: deque[int] = field(default_factory=deque)
    accepted: list[int] = field(default_factory=list)
    _offering: bool = False
    _shown: bool = False

    def __post_init__(self) -> None:
        self._valid = getattr(self.dut, f"{self.prefix}_valid")
        self._payload = getattr(self.dut, f"{self.prefix}_payload")
        self._ready = getattr(self.dut, f"{self.prefix}_ready")

    def drive(self) -> None:
        if not self._offering:
            self._offering = bool(self.words) and self.pace()
            if self._offering != self._shown:
                self._valid.value = int(self._offering)
            self._shown = self._offering
            if self._offering:
                self._payload.value = self.words[0]

    def sample(self, cycle: int) -> None:
        if self._offering and self._ready.value == 1:
            self.words.popleft()
            self.accepted.append(cycle)
            self._offering = False

    def abandon(self) -> None:
        """Forgets what was not accepted."""
        self.words.clear()
        self._offering = self._shown = False
        self._valid.value = 0


@dataclass
class Monitor:
    """Takes words from a stream, and holds it to its contract: what is offered stays, unchanged, until taken.

    Parameters and ports as for :class:`Driver`.
    """

    dut: Any
    prefix: str
    pace: Pace
    taken: list[int] = field(default_factory=list)
    offered: list[int] = field(default_factory=list)
    _held: int | None = None
    _is_ready: bool | None = None

    def __post_init__(self) -> None:
        self._valid = getattr(self.dut, f"{self.prefix}_valid")
        self._payload = getattr(self.dut, f"{self.prefix}_payload")
        self._ready = getattr(self.dut, f"{self.prefix}_ready")

    def drive(self) -> None:
        ready = self.pace()
        if ready != self._is_ready:
            self._ready.value = int(ready)
        self._is_ready = ready

    def sample(self, cycle: int) -> None:
        if self._valid.value != 1:
            assert self._held is None, f"cycle {cycle}: a word was withdrawn"
            return
        word = int(self._payload.value)
        if self._held is None:
            self.offered.append(cycle)
        else:
            assert word == self._held, f"cycle {cycle}: a word changed from {self._held:#x} to {word:#x}"
        self._held = None if self._is_ready else word
        if self._is_ready:
            self.taken.append(word)

    def abandon(self) -> None:
        """A reset may withdraw a word."""
        self._held = None


class Checker:
    """Every output word against the model's, in order."""

    def __init__(self) -> None:
        self._due: deque[Expected] = deque()
        self.checked = 0

    def expect(self, words: Sequence[Expected]) -> None:
        self._due.extend(words)

    @property
    def outstanding(self) -> int:
        return len(self._due)

    def check(self, taken: Sequence[int]) -> None:
        """All the words that were taken so far."""
        for word in taken[self.checked :]:
            assert self._due, f"word {self.checked}: {word:#x} was invented"
            want = self._due.popleft()
            assert word & want.mask == want.value & want.mask, (
                f"word {self.checked}: expected {want.value:#x}, got {word:#x} (mask {want.mask:#x})"
            )
            self.checked += 1

    def abandon(self) -> None:
        self._due.clear()


class Bench:
    """One stream unit under a clock.

    Parameters
    ----------
    dut : cocotb handle
        The top.
    unit : StreamUnit
    seed : int
    """

    def __init__(self, dut: Any, unit: StreamUnit, seed: int) -> None:
        self.dut, self.unit, self.rng = dut, unit, random.Random(seed)
        self.drivers = [Driver(dut, f"{unit.name}_{name}", lambda: True) for name in unit.inputs]
        self.monitors = [Monitor(dut, f"{unit.name}_{name}", lambda: True) for name in unit.outputs]
        self.checkers = [Checker() for _ in unit.outputs]
        self.cycle = 0

    @property
    def accepted(self) -> int:
        """Words that were accepted."""
        return sum(len(driver.accepted) for driver in self.drivers)

    @property
    def taken(self) -> int:
        """Words that were taken."""
        return sum(len(monitor.taken) for monitor in self.monitors)

    @property
    def checked(self) -> int:
        """Words that were what the model says."""
        return sum(checker.checked for checker in self.checkers)

    def offer(self, pace: Pace) -> None:
        """Set when words are offered."""
        for driver in self.drivers:
            driver.pace = pace

    def take(self, pace: Pace) -> None:
        """Set when words are taken."""
        for monitor in self.monitors:
            monitor.pace = pace

    async def start(self) -> None:
        """Starts the clock and resets."""
        cocotb.start_soon(Clock(self.dut.clk, 10, unit="ns").start())
        await self.reset(2)

    async def reset(self, cycles: int = 1) -> None:
        """Resets, whatever is under way; all frames inside are gone."""
        for driver in self.drivers:
            driver.abandon()
        self.dut.rst.value = 1
        for _ in range(cycles):
            await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0
        for monitor, checker in zip(self.monitors, self.checkers, strict=True):
            monitor.abandon()
            checker.abandon()

    def paced(self, probability: float) -> Pace:
        return lambda: self.rng.random() < probability

    def send(self, frames: int) -> None:
        for _ in range(frames):
            words = self.unit.model.frame(self.rng)
            for driver, part in zip(self.drivers, _parts(words, len(self.drivers)), strict=True):
                driver.words.extend(part)
            due = self.unit.model.result(words)
            for checker, part in zip(self.checkers, _parts(due, len(self.checkers)), strict=True):
                checker.expect(part)

    async def step(self) -> None:
        """One cycle."""
        for end in (*self.drivers, *self.monitors):
            end.drive()
        await FallingEdge(self.dut.clk)
        for end in (*self.drivers, *self.monitors):
            end.sample(self.cycle)
        for monitor, checker in zip(self.monitors, self.checkers, strict=True):
            checker.check(monitor.taken)
        self.cycle += 1
        await RisingEdge(self.dut.clk)

    async def steps(self, cycles: int) -> None:
        for _ in range(cycles):
            await self.step()

    async def drain(self) -> None:
        """Until every word expected was taken, then long enough for one too many to show."""
        silent, before = 0, -1
        limit = 100 * (self.unit.interval + self.unit.latency) + 100
        while any(driver.words for driver in self.drivers) or any(checker.outstanding for checker in self.checkers):
            await self.step()
            moved = self.taken + self.accepted
            silent, before = (silent + 1, before) if moved == before else (0, moved)
            missing = sum(checker.outstanding for checker in self.checkers)
            assert silent < limit, f"nothing moved for {limit} cycles; {missing} words are missing"
        await self.steps(self.unit.latency + self.unit.interval + 4)


def _parts(words: Sequence[T], count: int) -> list[Sequence[T]]:
    """So many equal parts, one behind the other."""
    each = len(words) // count
    return [words[i * each : (i + 1) * each] for i in range(count)]
