"""What a component takes after synthesis."""

from __future__ import annotations

from amaranth.lib import wiring

from bnnhw.build.synth import CellCounts, synthesize
from bnnhw.devices.ice40 import ICE40
from bnnhw.files import scratch
from bnnhw.rtl.emit import emit

__all__ = ["cells"]


def cells(component: wiring.Component) -> CellCounts:
    """The cells of a component on iCE40, its repeated modules mapped once as in a design."""
    with scratch() as folder:
        made = emit(component, "top", "ice40")
        (folder / "top.il").write_text(made.rtlil)
        return synthesize([folder / "top.il"], "top", ICE40, folder, keep=made.repeated).cells
