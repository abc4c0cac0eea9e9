"""Generated folders in other people's tools."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from bnnhw import tools
from bnnhw.flow.design import Design
from tests.needs import needs_icarus

__all__ = ["STANDARDS", "SYNTHESES", "icarus", "icarus_bench", "synthesize", "verilator"]

STANDARDS = ("2005", "2009", "2012")
"""Of Verilog and SystemVerilog: Icarus' ``-g``."""

SYNTHESES = (
    "synth_ice40",
    "synth_lattice -family ecp5",
    "synth_xilinx",
    "synth_gowin",
    "synth_intel_alm",
    "synth_gatemate",
    "synth_nexus",
)
"""Yosys' commands of seven vendors."""


def icarus(sources: Sequence[str], top: str, folder: Path, standard: str) -> str:
    """What a testbench prints in Icarus Verilog; it must end well, and compile without a word."""
    needs_icarus()
    program = f"{top}_{standard}"
    command = ["iverilog", f"-g{standard}", "-Wall", "-Wno-timescale", "-s", top, "-o", program, *sources]
    compiled = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert (compiled.returncode, compiled.stdout + compiled.stderr) == (0, "")
    done = subprocess.run(["vvp", "-n", program], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return done.stdout


def icarus_bench(design: Design, standard: str) -> str:
    """What a design's own testbench prints."""
    sources = [*design.sidecar["verilog"], *sorted(path.name for path in design.folder.glob("*_tb.v"))]
    sources += [path.name for path in design.folder.glob("*_cells.v")]
    return icarus(sources, f"{design.whole.top}_tb", design.folder, standard)


def verilator(arguments: Sequence[str], folder: Path) -> str:
    """What Verilator has to say; it must end well."""
    tool = tools.require("verilator")
    done = subprocess.run(
        [*tool.command, *arguments], cwd=folder, env=tool.full_environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stderr


def synthesize(command: str, sources: Sequence[Path], top: str, folder: Path) -> None:
    """Runs one of :data:`SYNTHESES` on Verilog, as its users type it."""
    yosys = tools.require("yosys")
    script = folder / "synth.ys"
    read = "".join(f"read_verilog {path}\n" for path in sources)
    script.write_text(f"{read}{command} -top {top}\n")
    done = subprocess.run(
        [*yosys.command, str(script)], cwd=folder, env=yosys.full_environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}: {(done.stderr or done.stdout)[-1000:]}"
