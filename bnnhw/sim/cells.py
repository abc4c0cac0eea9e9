"""Netlists as Verilog, and the simulation models of their cells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bnnhw import processes, tools
from bnnhw.devices import FAMILIES
from bnnhw.errors import FileError, RequestError, ToolError
from bnnhw.files import scratch

__all__ = ["models_for", "netlist_verilog", "used_models"]


def models_for(family: str, sources: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Sources of the cell models that a design needs, and the Verilog macros to define with them.

    Parameters
    ----------
    family : str
        A device family; one without cells of its own has no models.
    sources : mapping of str to str
        The design; a design without any cell of the family gets no models.
    """
    if family not in FAMILIES:
        raise RequestError(f"technology must be one of {', '.join(FAMILIES)}, not {family!r}")
    models = FAMILIES[family].cell_models
    if models is None or not any(re.search(models.pattern, text) for text in sources.values()):
        return {}, ()
    texts = models.sources(tools.yosys_share(tools.require("yosys")))
    # Yosys' black boxes have no behaviour: a design that has one is to be refused, not simulated without it.
    return {name: _BLACK_BOX.sub("", text) for name, text in texts.items()}, models.macros


_BLACK_BOX = re.compile(r"^\(\* blackbox(?:, keep)? \*\)\n\s*module\b.*?^endmodule\n", re.M | re.S)
_MODULE = re.compile(r"^(?:\(\*[^\n]*\*\)\n)*module\s+(\w+)\b.*?^endmodule[^\n]*\n", re.M | re.S)


def used_models(family: str, text: str) -> str | None:
    """The models of just those cells that a Verilog text instantiates, as one file; None where it has none."""
    sources, macros = models_for(family, {"": text})
    modules: dict[str, str] = {}
    heads: list[str] = []
    for source in sources.values():
        found = list(_MODULE.finditer(source))
        if found:
            # Before the first module stand directives for all of them; what they include is among the sources.
            head = source[: found[0].start()].splitlines(keepends=True)
            heads += [line for line in head if not line.startswith(("`include", "//", "/*", " *"))]
            modules |= {match[1]: match[0] for match in found}
    used: list[str] = []
    waiting = [text]
    while waiting:
        words = set(re.findall(r"\w+", waiting.pop()))
        for name in sorted(words & modules.keys() - set(used)):
            used.append(name)
            waiting.append(modules[name])
    if not used:
        return None
    head = "// Simulation models of cells, from Yosys (ISC licence) where they are not bnnhw's own.\n"
    defines = "".join(f"`ifndef {macro}\n`define {macro}\n`endif\n" for macro in macros)
    # What a model refuses when it is elaborated it refuses in SystemVerilog's words, which Verilog has not.
    bodies = (
        re.sub(r"\s*generate\s+if [^;]*\$error\([^;]*;\s*endgenerate", "", modules[name]) for name in sorted(used)
    )
    return head + defines + "".join(heads) + "\n".join(bodies)


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
    with scratch() as folder:
        # The copy keeps the script free of paths with spaces.
        (folder / "netlist.json").write_bytes(netlist.read_bytes())
        (folder / "convert.ys").write_text(
            f"read_json netlist.json\nselect {top}\nwrite_verilog -noattr -selected netlist.v\n",
            encoding="utf-8",
        )
        done = processes.run(
            [*yosys.command, "convert.ys"], cwd=folder, env={**yosys.full_environment(), "TMPDIR": str(folder)}
        )
        if done.returncode:
            raise ToolError(f"Yosys failed on {netlist}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
        return (folder / "netlist.v").read_text(encoding="utf-8")
