"""The two ends of a stream in simulation: a driver, and a monitor that checks the stream contract."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass
class Driver:
    """Offers words.

    Parameters
    ----------
    words : sequence of int
    gap : float
        Probability that a cycle passes before the next word is offered.
    arrivals : sequence of int, optional
        Instead of ``gap``: the cycle from which each word is offered, once those before it are accepted.

    Attributes
    ----------
    accepted : list of int
        The cycle in which each word was accepted.
    """

    words: Sequence[int]
    gap: float = 0.0
    arrivals: Sequence[int] | None = None
    accepted: list[int] = field(default_factory=list)
    _offering: bool = False

    def offer(self, cycle: int, rng: random.Random) -> int | None:
        """The word of this cycle, or None."""
        index = len(self.accepted)
        if index == len(self.words):
            return None
        if not self._offering:
            due = rng.random() >= self.gap if self.arrivals is None else cycle >= self.arrivals[index]
            self._offering = due
        return self.words[index] if self._offering else None

    def accept(self, cycle: int) -> None:
        self.accepted.append(cycle)
        self._offering = False


@dataclass
class Monitor:
    """Takes words; fails where an offered word changes or is withdrawn before it is taken.

    Parameters
    ----------
    count : int
        Words awaited.
    stall : float
        Probability that a cycle is not ready.
    deaf : int
        Cycles at the beginning that are not ready.
    readiness : sequence of bool, optional
        Instead of ``stall`` and ``deaf``: whether each cycle is ready; those behind all are.

    Attributes
    ----------
    words, offered, taken : list of int
        What came; the cycle from which it was offered and that in which it was taken.
    """

    count: int
    stall: float = 0.0
    deaf: int = 0
    readiness: Sequence[bool] | None = None
    words: list[int] = field(default_factory=list)
    offered: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    _held: int | None = None

    def ready(self, cycle: int, rng: random.Random) -> bool:
        if self.readiness is not None:
            return cycle >= len(self.readiness) or self.readiness[cycle]
        return cycle >= self.deaf and rng.random() >= self.stall

    def sample(self, cycle: int, ready: bool, valid: int, payload: int) -> None:
        if self._held is not None:
            assert valid, f"cycle {cycle}: a word was withdrawn"
            assert payload == self._held, f"cycle {cycle}: a word changed while it waited"
        elif valid:
            assert len(self.words) < self.count, f"cycle {cycle}: a word too many"
            self.offered.append(cycle)
        self._held = payload if valid and not ready else None
        if valid and ready:
            self.words.append(payload)
            self.taken.append(cycle)


Drivers: TypeAlias = Mapping[str, Driver]
"""By the names of input streams."""

Monitors: TypeAlias = Mapping[str, Monitor]
"""By the names of output streams."""
