"""A component alone after synthesis, as several scripts measure it."""

from __future__ import annotations

from pathlib import Path

from amaranth.lib import wiring

from bnnhw.build.synth import Synthesis, synthesize
from bnnhw.devices import Family, Part
from bnnhw.rtl.emit import emit

__all__ = ["synthesized"]


def synthesized(component: wiring.Component, family: Family, folder: Path, part: Part | None = None) -> Synthesis:
    """A component's netlist, made in a folder."""
    emitted = emit(component, "top", family.technology.name)
    source = folder / "top.il"
    source.write_text(emitted.rtlil)
    return synthesize([source], "top", family, folder, keep=emitted.repeated, part=part)
