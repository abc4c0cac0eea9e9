"""What a component takes after synthesis."""

from __future__ import annotations

from amaranth.lib import wiring

from bnnhw.build.synth import CellCounts, synthesize
from bnnhw.devices import Family
from bnnhw.devices.ice40 import ICE40
from bnnhw.files import scratch
from bnnhw.rtl.emit import emit

__all__ = ["cells"]


def cells(component: wiring.Component, family: Family = ICE40) -> CellCounts:
    """The cells of a component on a family, its repeated modules mapped once as in a design."""
    with scratch() as folder:
        made = emit(component, "top", family.name)
        (folder / "top.il").write_text(made.rtlil)
        return synthesize([folder / "top.il"], "top", family, folder, keep=made.repeated).cells
