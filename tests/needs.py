"""Programs without which a test says why it does not run."""

from __future__ import annotations

import shutil

import pytest

from bnnhw import tools
from bnnhw.devices import Family

__all__ = ["SIMULATION", "needs", "needs_build", "needs_icarus"]

SIMULATION = ("verilator", "c++", "yosys")
"""What a simulation of generated Verilog runs."""


def needs(*programs: str | tools.Program) -> None:
    """Skip the test where one of these programs is not there."""
    for program in programs:
        tool = tools.find(program)
        if not tool.found:
            pytest.skip(f"{tool.name} is missing: {tool.why}")


def needs_build(family: Family) -> None:
    """Skip the test where a design cannot become a bitstream."""
    made = family.build_tools()
    needs("yosys", made.place_route, made.packer)


def needs_icarus() -> None:
    """Skip the test where Icarus Verilog is not there, which bnnhw itself never runs."""
    if shutil.which("iverilog") is None:
        pytest.skip("iverilog is missing (Debian, Ubuntu: apt install iverilog)")
