"""Units one behind the other as a single pipeline: its streams, cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.dataflow.format import ResultFormat, StreamFormat
from bnnhw.dataflow.inventory import Inventory, queue
from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import ElementTiming
from bnnhw.devices import Technology
from bnnhw.units.spatial.timing import QUEUE, StandingTiming

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bnnhw.units.straight.rtl import Straight

__all__ = ["StraightUnit"]


@dataclass(frozen=True)
class StraightUnit(Unit):
    """Does what several units do one behind the other, by one handshake for all of them.

    Parameters
    ----------
    names : tuple of str
        Of the parts.
    parts : tuple of Unit
        Each takes a word per cycle and gives a word for it a fixed number of cycles later
        (:attr:`~bnnhw.dataflow.unit.Unit.straight`).
    technology : Technology

    Raises
    ------
    ValueError
        A part is none of these.
    """

    kind = "straight"

    names: tuple[str, ...]
    parts: tuple[Unit, ...]
    technology: Technology

    def __post_init__(self) -> None:
        for part in self.parts:
            if part.straight is None:
                raise ValueError(f"a part must give a word for each word it takes, not {part.kind}")

    @property
    def inputs(self) -> tuple[StreamFormat, ...]:
        return self.parts[0].inputs

    @property
    def outputs(self) -> tuple[StreamFormat | ResultFormat, ...]:
        return self.parts[-1].outputs

    @property
    def read(self) -> NDArray[np.bool_] | None:
        return self.parts[0].read

    @property
    def stages(self) -> int:
        """Registers from a word accepted to its result in front of the queue."""
        return sum(part.straight or 0 for part in self.parts)

    @property
    def timing(self) -> StandingTiming | ElementTiming:
        """It stands as a whole where enables have global nets, and else runs free; a queue behind it either way."""
        if self.technology.enable_reach is None:
            return StandingTiming(1, self.stages)
        return ElementTiming(1, 0, self.stages)

    def inventory(self) -> Inventory:
        timing, width = self.timing, self.outputs[0].width
        free = isinstance(timing, ElementTiming)
        places, unary = timing.credits if free else QUEUE, free and self.technology.unary_control
        found = Inventory({"handshake": 1, "register": self.stages})
        for part in self.parts:
            found += part.datapath_inventory()
        return found + queue(places, width, credited=free, unary=unary)

    def component(self) -> Straight:
        from bnnhw.units.straight.rtl import Straight

        return Straight(self)
