"""A component alone after synthesis, as several scripts measure it."""

from __future__ import annotations

import re
from pathlib import Path

from amaranth.lib import wiring

from bnnhw import tools
from bnnhw.build.process import run_logged
from bnnhw.build.synth import Synthesis, synthesize
from bnnhw.devices import Family, Part
from bnnhw.rtl.emit import emit

__all__ = ["CELLS", "packed", "synthesized"]

CELLS = {"ice40": "ICESTORM_LC", "ecp5": "TRELLIS_COMB"}
"""What nextpnr calls logic cells."""


def synthesized(component: wiring.Component, family: Family, folder: Path, part: Part | None = None) -> Synthesis:
    """A component's netlist, made in a folder."""
    emitted = emit(component, "top", family.technology.name)
    source = folder / "top.il"
    source.write_text(emitted.rtlil)
    return synthesize([source], "top", family, folder, keep=emitted.repeated, part=part)


def packed(made: Synthesis, family: Family) -> int:
    """Logic cells of a netlist, packed as nextpnr packs it for the family's largest part, and not placed."""
    part = max(family.parts, key=lambda part: part.lut4)
    package = max(part.packages, key=lambda package: package.name)
    log = made.netlist.with_suffix(".packed.log")
    arguments = [*part.place_route, *package.place_route, "--json", made.netlist.name, "--pack-only"]
    run_logged(tools.require(family.build_tools().place_route), arguments, made.netlist.parent, log)
    found = re.search(rf"{CELLS[family.name]}:\s+(\d+)/", log.read_text())
    assert found is not None, log.read_text()[-2000:]
    return int(found[1])
