"""Benches of emitted Verilog, cycle by cycle: drivers, monitors, models and checkers.

A cycle is what lies between two rising edges of the clock. Inputs are set after the edge that begins it; outputs are
sampled at the falling edge in its middle, when everything has settled, and hold at the edge that ends it.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import cocotb
from amaranth.lib import wiring
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

__all__ = [
    "Bench",
    "Checker",
    "Driver",
    "Expected",
    "FreeUnit",
    "Model",
    "Monitor",
    "Pace",
    "StreamUnit",
]

Pace: TypeAlias = Callable[[], bool]
"""Asked once a cycle: whether to offer a word, or to be ready for one."""


@dataclass(frozen=True)
class Expected:
    """An output word; bits outside the mask are undefined."""

    value: int
    mask: int


class Model(Protocol):
    """What a unit does to frames, cycles aside."""

    def frame(self, rng: random.Random) -> list[int]:
        """Input words of a random frame; bits that are ignored are random too."""
        ...

    def result(self, words: Sequence[int]) -> list[Expected]:
        """The output words of a frame."""
        ...


@dataclass(frozen=True)
class StreamUnit:
    """A unit with an input and an output stream, and what its contract says of it.

    Parameters
    ----------
    name : str
        Prefix of its ports in the simulated top.
    make : callable
    model : Model
    interval : int
        Cycles a frame at full speed.
    latency : int
        From the first input word accepted to the last output word offered, never waiting.
    stored_words : int or None
        Input words that are accepted while nothing is taken; None where no formula is promised.
    """

    name: str
    make: Callable[[], wiring.Component]
    model: Model
    interval: int
    latency: int
    stored_words: int | None


@dataclass(frozen=True)
class FreeUnit:
    """A unit without a handshake: inputs every cycle, outputs some cycles later.

    Parameters
    ----------
    name : str
    make : callable
    stimulus : callable
        Random generator and cycles -> for each port, its value in every cycle.
    expected : callable
        That stimulus -> for each cycle, the output, or None where it is undefined.
    output : str
    """

    name: str
    make: Callable[[], wiring.Component]
    stimulus: Callable[[random.Random, int], dict[str, list[int]]]
    expected: Callable[[dict[str, list[int]]], list[int | None]]
    output: str


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

    def __post_init__(self) -> None:
        self._valid = getattr(self.dut, f"{self.prefix}_valid")
        self._payload = getattr(self.dut, f"{self.prefix}_payload")
        self._ready = getattr(self.dut, f"{self.prefix}_ready")

    def drive(self) -> None:
        if not self._offering:
            self._offering = bool(self.words) and self.pace()
            self._valid.value = int(self._offering)
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
        self._offering = False
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
    _is_ready: bool = False

    def __post_init__(self) -> None:
        self._valid = getattr(self.dut, f"{self.prefix}_valid")
        self._payload = getattr(self.dut, f"{self.prefix}_payload")
        self._ready = getattr(self.dut, f"{self.prefix}_ready")

    def drive(self) -> None:
        self._is_ready = self.pace()
        self._ready.value = int(self._is_ready)

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
        self.driver = Driver(dut, f"{unit.name}_input", lambda: True)
        self.monitor = Monitor(dut, f"{unit.name}_output", lambda: True)
        self.checker = Checker()
        self.cycle = 0

    async def start(self) -> None:
        """Starts the clock and resets."""
        cocotb.start_soon(Clock(self.dut.clk, 10, unit="ns").start())
        self.driver.abandon()
        await self.reset(2)

    async def reset(self, cycles: int = 1) -> None:
        """Resets, whatever is under way; all frames inside are gone."""
        self.driver.abandon()
        self.dut.rst.value = 1
        for _ in range(cycles):
            await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0
        self.monitor.abandon()
        self.checker.abandon()

    def paced(self, probability: float) -> Pace:
        return lambda: self.rng.random() < probability

    def send(self, frames: int) -> None:
        for _ in range(frames):
            words = self.unit.model.frame(self.rng)
            self.driver.words.extend(words)
            self.checker.expect(self.unit.model.result(words))

    async def step(self) -> None:
        """One cycle."""
        self.driver.drive()
        self.monitor.drive()
        await FallingEdge(self.dut.clk)
        await ReadOnly()
        self.driver.sample(self.cycle)
        self.monitor.sample(self.cycle)
        self.checker.check(self.monitor.taken)
        self.cycle += 1
        await RisingEdge(self.dut.clk)

    async def steps(self, cycles: int) -> None:
        for _ in range(cycles):
            await self.step()

    async def drain(self) -> None:
        """Until every word expected was taken, then long enough for one too many to show."""
        silent, before = 0, -1
        limit = 100 * (self.unit.interval + self.unit.latency) + 100
        while self.driver.words or self.checker.outstanding:
            await self.step()
            moved = len(self.monitor.taken) + len(self.driver.accepted)
            silent, before = (silent + 1, before) if moved == before else (0, moved)
            assert silent < limit, f"nothing moved for {limit} cycles; {self.checker.outstanding} words are missing"
        await self.steps(self.unit.latency + self.unit.interval + 4)
