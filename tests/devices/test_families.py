"""Every family says everything, in its own file, and nobody else says anything of it."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bnnhw import boards, devices
from bnnhw.devices import FAMILIES, Family
from bnnhw.errors import RequestError

BUILDABLE = [family for family in FAMILIES.values() if family.toolchain is not None]
each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
each_buildable = pytest.mark.parametrize("family", BUILDABLE, ids=lambda family: family.name)


def test_there_are_three_to_build_for() -> None:
    assert [family.name for family in BUILDABLE] == ["ecp5", "gowin", "ice40"]
    assert [name for name in FAMILIES if FAMILIES[name] not in BUILDABLE] == ["generic"]


@each_family
def test_a_family_is_one_file(family: Family) -> None:
    module = importlib.import_module(f"bnnhw.devices.{family.name}")
    assert [value for value in vars(module).values() if isinstance(value, Family)] == [family]
    assert devices.family(family.name) is family and devices.technology(family.name) is family.technology
    assert {family.technology: 1}[family.technology] == 1


@each_buildable
def test_what_can_be_built_is_whole(family: Family) -> None:
    """A board, its parts, a clock, cells that are counted and modelled, and tools that doctor looks for."""
    toolchain = family.build_tools()
    assert family.parts and len({part.name for part in family.parts}) == len(family.parts)
    assert family.solve_pll is not None and family.clock is not None and family.cell_models is not None
    assert {"lut4", "ff", "carry", "bram"} <= toolchain.cells.keys() <= {"lut4", "ff", "carry", "bram", "spram", "dsp"}
    assert {toolchain.place_route, toolchain.packer} <= set(devices.programs())
    own = [board for board in boards.BOARDS.values() if board.family is family]
    assert own and all(board.part in family.parts for board in own)
    options = " ".join((*toolchain.place_route_options, *toolchain.pack_options))
    for file in ("constraints", "configuration", "bitstream"):
        assert f"{{{file}}}" in options


def test_a_family_without_a_pll_has_its_oscillators_clock() -> None:
    generic = devices.family("generic")
    assert generic.reachable_mhz(12.0, 12.0) == 12.0
    with pytest.raises(RequestError, match=r"^clock must be 12 MHz, not 24$"):
        generic.reachable_mhz(12.0, 24.0)


def test_facts_need_no_amaranth() -> None:
    code = "import sys; sys.modules['amaranth'] = None; sys.modules['jinja2'] = None; import bnnhw.devices"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_nobody_else_names_a_family(root: Path) -> None:
    """What works on all families asks the family; a file of a board names its own."""
    word = re.compile(rf"(?i)\b(?:{'|'.join(family.name for family in BUILDABLE)})")
    named = [
        f"{path.relative_to(root)}:{number}: {line.strip()}"
        for path in sorted((root / "bnnhw").rglob("*.py"))
        if path.parent.name != "devices"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if word.search(line)
    ]
    assert named == []
