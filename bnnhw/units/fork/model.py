"""The fork: its streams, cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.inventory import Inventory
from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import WireTiming

if TYPE_CHECKING:
    from bnnhw.units.fork.rtl import Fork

__all__ = ["ForkUnit"]


@dataclass(frozen=True)
class ForkUnit(Unit):
    """Gives every word of a stream to two branches.

    Parameters
    ----------
    format : StreamFormat
    """

    kind = "fork"
    output_ports = ("first", "second")

    format: StreamFormat

    @property
    def timing(self) -> WireTiming:
        return WireTiming(self.format.words)

    @property
    def inputs(self) -> tuple[StreamFormat]:
        return (self.format,)

    @property
    def outputs(self) -> tuple[StreamFormat, StreamFormat]:
        return (self.format, self.format)

    def inventory(self) -> Inventory:
        return Inventory({"fork": 1})

    def component(self) -> Fork:
        from bnnhw.units.fork.rtl import Fork

        return Fork(self)
