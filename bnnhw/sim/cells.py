"""Netlists as Verilog, and simulation models of their cells: Yosys' own, and the one that Yosys lacks."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bnnhw import tools
from bnnhw.errors import FileError, RequestError, ToolError
from bnnhw.sim.model import render

__all__ = ["FAMILIES", "models_for", "netlist_verilog"]

FAMILIES = {
    "ice40": r"\bSB_[A-Z0-9_]+\b",
    "ecp5": r"\b(?:DP16KD|LUT4|PFUMX|L6MUX21|CCU2C|TRELLIS_[A-Z0-9]+)\b",
}
"""Families with cell models, and what their cells are called."""


def _ecp5(share: Path) -> dict[str, str]:
    folder = share / "ecp5"
    files = {path.name: path.read_text() for path in sorted(folder.glob("*.vh"))}
    text = (folder / "cells_sim.v").read_text()
    # Yosys models the block RAM as a black box, with ports and parameters but no behaviour.
    head, ram, tail = re.split(r"(?=^module DP16KD\b)|(?<=^endmodule\n)(?=\n`ifndef NO_INCLUDES)", text, flags=re.M)
    body = ram.rindex("endmodule")
    return {**files, "cells_sim.v": f"{head}{ram[:body]}{render('dp16kd.v.j2')}endmodule\n{tail}"}


def models_for(family: str, sources: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Sources of the cell models that a design needs, and the Verilog macros to define with them.

    Parameters
    ----------
    family : str
        ``"generic"``, which has none, ``"ice40"`` or ``"ecp5"``.
    sources : mapping of str to str
        The design; a design without any cell of the family gets no models.
    """
    if family == "generic":
        return {}, ()
    if family not in FAMILIES:
        raise RequestError(f"technology must be one of generic, {', '.join(FAMILIES)}, not {family!r}")
    if not any(re.search(FAMILIES[family], text) for text in sources.values()):
        return {}, ()
    share = tools.yosys_share(tools.require("yosys"))
    if family == "ice40":
        # The default values of ports that the model has are not something that Verilator reads.
        return {"cells_sim.v": (share / "ice40" / "cells_sim.v").read_text()}, ("NO_ICE40_DEFAULT_ASSIGNMENTS",)
    return _ecp5(share), ()


def netlist_verilog(netlist: Path, top: str) -> str:
    """Verilog of a netlist that Yosys wrote as JSON; the models of its cells are left out.

    Raises
    ------
    FileError
        When the file is missing.
    ToolError
        When there is no Yosys, or it can't read the file.
    """
    if not netlist.is_file():
        raise FileError(f"{netlist}: no such file")
    yosys = tools.require("yosys")
    with tempfile.TemporaryDirectory(prefix="bnnhw-") as name:
        folder = Path(name)
        # The copy keeps the script free of paths with spaces.
        (folder / "netlist.json").write_bytes(netlist.read_bytes())
        (folder / "convert.ys").write_text(
            f"read_json netlist.json\nselect {top}\nwrite_verilog -noattr -selected netlist.v\n"
        )
        done = subprocess.run(
            [*yosys.command, "convert.ys"],
            cwd=folder,
            env=yosys.full_environment(),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise ToolError(f"Yosys failed on {netlist}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
        return (folder / "netlist.v").read_text()
