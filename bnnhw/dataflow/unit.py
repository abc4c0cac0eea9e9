"""The protocol that every unit keeps: what the graph, the cost model, the solver and the accelerator ask of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from bnnhw.dataflow.flow import Link, Run
from bnnhw.dataflow.format import Coding, ResultFormat, StreamFormat
from bnnhw.dataflow.inventory import Inventory
from bnnhw.dataflow.loads import Loaded
from bnnhw.dataflow.resources import Resources

if TYPE_CHECKING:
    import numpy as np
    from amaranth.hdl import Module, Signal, Value
    from amaranth.lib import wiring
    from numpy.typing import NDArray

    from bnnhw.devices import Technology

__all__ = ["Timing", "Unit"]


class Timing(Protocol):
    """The exact cycles of a unit."""

    @property
    def interval(self) -> int:
        """II: cycles between two frames, neither side waiting."""
        ...

    @property
    def latency(self) -> int:
        """Cycles from a frame's first word accepted to its last word offered, neither side waiting."""
        ...

    @property
    def flow(self) -> Any:
        """When words move: called with a link per input, a link per output and ``frames``, it returns a
        :data:`~bnnhw.dataflow.flow.Run`.
        """
        ...


class Unit(ABC):
    """One hardware block between streams: a frozen value that says everything about it but its logic.

    What follows from its parameters is derived here once; :meth:`component` makes the hardware of the unit itself.

    Attributes
    ----------
    kind : str
        The unit's word, also the name of its folder in :mod:`bnnhw.units`.
    input_ports, output_ports : tuple of str
        Names of the component's streams, in the order of :attr:`inputs` and :attr:`outputs`.
    """

    kind: ClassVar[str]
    input_ports: ClassVar[tuple[str, ...]] = ("input",)
    output_ports: ClassVar[tuple[str, ...]] = ("output",)

    @property
    @abstractmethod
    def inputs(self) -> tuple[StreamFormat, ...]:
        """Formats of the streams it takes words from."""

    @property
    @abstractmethod
    def outputs(self) -> tuple[StreamFormat | ResultFormat, ...]:
        """Formats of the streams it gives words to."""

    @property
    @abstractmethod
    def timing(self) -> Timing:
        """Its cycles, of what it does :attr:`repeats` times per frame."""

    @abstractmethod
    def inventory(self) -> Inventory:
        """What it is made of, for the estimate of its cost."""

    def resources(self, technology: Technology) -> Resources:
        """What it is estimated to cost."""
        return self.inventory().resources(technology)

    @abstractmethod
    def component(self) -> wiring.Component:
        """Its hardware."""

    @property
    def straight(self) -> int | None:
        """Stages of its :meth:`datapath`, of a unit that takes a word per cycle and gives one for it so much later."""
        return None

    @property
    def leads(self) -> bool:
        """Whether it should be one pipeline with all units behind it, by one handshake, where these allow that."""
        return False

    def leading(self, technology: Technology) -> Unit:
        """The unit as the first one of such a pipeline."""
        return self

    def datapath(self, m: Module, platform: object, word: Value) -> tuple[Value, list[tuple[Signal, Value]]]:
        """Such a unit without its handshake: the word it gives, and what each of its registers takes."""
        raise NotImplementedError

    def datapath_inventory(self) -> Inventory:
        """What that is made of."""
        raise NotImplementedError

    def bared(self) -> tuple[Unit, Coding] | None:
        """The unit without what is the same in all numbers that it emits, and what that is; None of most units."""
        return None

    @property
    def loads(self) -> tuple[Loaded, ...]:
        """Its memories that are written while the device runs; its component has a port ``load_NAME`` for each."""
        return ()

    def blank(self) -> Unit:
        """The unit with what is written at run time left empty: two that are equal so are the same hardware."""
        return self

    @property
    def repeats(self) -> int:
        """How often per frame of the network it does what :attr:`timing` describes."""
        return 1

    @property
    def read(self) -> NDArray[np.bool_] | None:
        """Bits of the first input's words that anything depends on; None where that is all of them, or not known."""
        return None

    @property
    def warm_up(self) -> float:
        """Frames at the beginning, or the part of one, that it may take more slowly than others, none waiting."""
        return 0

    @property
    def interval(self) -> int:
        """Cycles per frame of the network, neither side waiting."""
        return self.repeats * self.timing.interval

    def flow(self, *links: Link, frames: int) -> Run:
        """The unit at work on so many frames of the network; a link per input, then one per output."""
        run: Run = self.timing.flow(*links, frames=frames * self.repeats)
        return run
