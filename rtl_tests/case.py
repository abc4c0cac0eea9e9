"""What is simulated of a unit in cocotb: the unit, what it does to frames, and what its contract says of its cycles."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from amaranth.lib import wiring

from rtl_tests.lanes import Expected

__all__ = ["BenchCase", "FreeUnit", "Model", "PinUnit", "StreamUnit"]


class Model(Protocol):
    """What a unit does to frames, cycles aside. The words of several inputs, or outputs, follow one another."""

    def frame(self, rng: random.Random) -> list[int]:
        """Input words of a random frame; bits that are ignored are random too."""
        ...

    def result(self, words: Sequence[int]) -> list[Expected]:
        """The output words of a frame."""
        ...


@dataclass(frozen=True)
class StreamUnit:
    """A unit between streams, and what its contract says of it.

    Parameters
    ----------
    name : str
        Prefix of its ports in the simulated top.
    make : callable
    model : Model
    interval : int
        Cycles per frame at full speed.
    latency : int
        From the first input word accepted to the last output word offered, never waiting.
    stored_words : int or None
        Input words that are accepted while nothing is taken; None where no formula is promised.
    inputs, outputs : tuple of str
        Its streams; all inputs have equally many words per frame, and all outputs.
    """

    name: str
    make: Callable[[], wiring.Component]
    model: Model
    interval: int
    latency: int
    stored_words: int | None
    inputs: tuple[str, ...] = ("input",)
    outputs: tuple[str, ...] = ("output",)


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


@dataclass(frozen=True)
class PinUnit:
    """A unit that is benched at its pins, by scenarios of its own.

    Parameters
    ----------
    name : str
    make : callable
    scenarios : dict of str to coroutine function
        Each is called with the simulated top and a seed.
    """

    name: str
    make: Callable[[], wiring.Component]
    scenarios: Mapping[str, Callable[[Any, int], Awaitable[None]]]


BenchCase: TypeAlias = StreamUnit | FreeUnit | PinUnit
