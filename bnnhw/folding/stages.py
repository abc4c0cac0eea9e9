"""Units and the streams between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bnnhw.folding.flow import Link, Run
from bnnhw.folding.lanes import Format
from bnnhw.folding.units import Unit

__all__ = ["Chain", "Stage"]


@dataclass(frozen=True)
class Stage:
    """One unit and the streams it is connected to.

    Parameters
    ----------
    name : str
        Of the unit in hardware: its layer's number and name, made a legal and unique identifier, and its purpose.
    layer : str
        Name of the layer it works for.
    unit : Unit
    sources, sinks : tuple of int
        Numbers of the streams it takes words from and gives words to.
    """

    name: str
    layer: str
    unit: Unit
    sources: tuple[int, ...]
    sinks: tuple[int, ...]

    @property
    def interval(self) -> int:
        """Cycles a frame, neither side waiting."""
        return self.unit.repeats * self.unit.pipeline.interval

    def flow(self, links: Sequence[Link], frames: int) -> tuple[Run, tuple[Link, ...]]:
        """The unit at work, and its links out of those of all streams."""
        touched = tuple(links[number] for number in (*self.sources, *self.sinks))
        # A pipeline takes as many sources and sinks as its unit has.
        start: Callable[..., Run] = self.unit.pipeline.flow
        return start(*touched, frames * self.unit.repeats), touched


@dataclass(frozen=True)
class Chain:
    """An accelerator: stages in an order in which words pass them.

    Parameters
    ----------
    stages : tuple of Stage
    input : Format
        Of stream 0, which comes from outside.
    output : int
        Number of the stream that leaves.
    """

    stages: tuple[Stage, ...]
    input: Format
    output: int

    @property
    def streams(self) -> int:
        """How many there are, input and output included; they are numbered from 0."""
        return self.output + 1
