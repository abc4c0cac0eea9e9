"""Synthesis with Yosys: every repeated module once, flat only at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from bnnhw import tools
from bnnhw.build.process import run_logged
from bnnhw.build.watch import Progress, YosysWatcher
from bnnhw.devices import Family, Part
from bnnhw.errors import BnnhwError
from bnnhw.files import write_text

__all__ = ["FEW_RESETS", "CellCounts", "Synthesis", "count_cells", "output_names", "script", "synthesize"]

LOG = "yosys.log"

FEW_RESETS = 8
"""A synchronous reset of fewer registers becomes logic in front of them.

Synthesis finds resets in data; each is a net of its own to the reset inputs of a slice or a tile, slower than a look-up
table, and no register with another one may stand there.
"""


@dataclass(frozen=True)
class CellCounts:
    """What a netlist needs.

    Attributes
    ----------
    lut4 : int
        LUT4s, those that carries and LUT memories sit in included.
    ff : int
    carry : int
        Adder bits that use the carry chain.
    bram, spram, dsp : int
        Blocks.
    """

    lut4: int
    ff: int
    carry: int
    bram: int
    spram: int
    dsp: int

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True)
class Synthesis:
    """A mapped, flat netlist in Yosys' JSON, its cell counts and its log."""

    netlist: Path
    cells: CellCounts
    log: Path


def count_cells(types: Mapping[str, int], family: Family) -> CellCounts:
    """Counts of resources from counts of cells by type, as ``stat -json`` has them."""
    cells = family.build_tools().cells

    def total(resource: str) -> int:
        kinds = cells.get(resource, {})
        return sum(each * n for begin, each in kinds.items() for name, n in types.items() if name.startswith(begin))

    return CellCounts(*(total(field.name) for field in fields(CellCounts)))


def script(
    sources: Sequence[str],
    top: str,
    family: Family,
    *,
    keep: Sequence[str] = (),
    portable: bool = False,
    part: Part | None = None,
    stem: str | None = None,
) -> str:
    """The Yosys script: reads RTLIL (.il) and Verilog (.v), writes ``STEM.json`` and ``STEM.stat.json``.

    The modules in ``keep`` stay apart until after technology mapping, so that each is mapped once, however often
    it is instantiated; everything else is flattened before. At the end the netlist is flat, as place and
    route wants it.

    Parameters
    ----------
    sources : sequence of str
        File names, relative to where Yosys runs.
    keep : sequence of str
        Names of modules, see :func:`~bnnhw.rtl.emit.repeated_modules`.
    portable : bool
        Whether the sources were written for no family: what they ask of memories that this one has not is dropped.
    part : Part, optional
        The device, for what mapping depends on; the family's first when not given.
    stem : str, optional
        Begins the names of the outputs; the top's name when not given.
    """
    stem, lut_ram = stem or top, family.technology.lut_ram
    made = family.build_tools()
    command = " ".join((*made.synthesis, *(part or family.parts[0]).synthesis, "-top", top))
    commands = [command]
    if made.registers:
        few = f"dfflegalize {made.registers} -minsrst {FEW_RESETS}"
        commands = [command.replace(":check", ":map_ffs"), "opt_clean", few, command.replace("begin:", "map_ffs:")]
    # A module that two files hold is the same in both; what is given first counts.
    read = [f"{'read_rtlil' if name.endswith('.il') else 'read_verilog'} -nooverwrite {name}" for name in sources]
    return "\n".join(
        [
            *read,
            *(["setattr -unset ram_style */a:ram_style=distributed"] if portable and not lut_ram else []),
            *(f"setattr -mod -set keep_hierarchy 1 \\{name}" for name in keep),
            *commands,
            "setattr -mod -unset keep_hierarchy *",
            "flatten",
            "clean",
            "check -noinit",
            f"tee -q -o {stem}.stat.json stat -json",
            "blackbox =A:whitebox",
            f"write_json {stem}.json",
            "",
        ]
    )


def output_names(top: str) -> tuple[str, ...]:
    """What :func:`synthesize` leaves."""
    return f"{top}.ys", LOG, f"{top}.json", f"{top}.stat.json"


def synthesize(
    sources: Sequence[Path],
    top: str,
    family: Family,
    folder: Path,
    *,
    keep: Sequence[str] = (),
    portable: bool = False,
    part: Part | None = None,
    progress: Progress | None = None,
) -> Synthesis:
    """Synthesizes files in ``folder``; leaves script, log, statistics and netlist there.

    Parameters
    ----------
    sources : sequence of Path
        Files inside ``folder``.
    keep, portable, part
        See :func:`script`.
    progress : callable, optional
        Told how far Yosys is, and what it is doing.

    Raises
    ------
    ToolError
        When there is no Yosys.
    BnnhwError
        When Yosys fails; the message holds its own and names the log.
    """
    yosys = tools.require("yosys")
    log = folder / LOG
    path = folder / f"{top}.ys"
    names = [source.relative_to(folder).as_posix() for source in sources]
    write_text(path, script(names, top, family, keep=keep, portable=portable, part=part), owned=True)
    watcher = YosysWatcher(progress)
    netlist, statistics = folder / f"{top}.json", folder / f"{top}.stat.json"
    # What an earlier run left must not pass for this one's.
    for old in (netlist, statistics):
        old.unlink(missing_ok=True)
    status = run_logged(yosys, [path.name], folder, log, watcher)
    if status or not netlist.is_file() or not statistics.is_file():
        reason = watcher.errors[-1] if watcher.errors else f"it ended with status {status}"
        raise BnnhwError(f"Yosys failed: {reason} (log: {log})")
    modules = json.loads(statistics.read_text(encoding="utf-8"))["modules"]
    types: dict[str, int] = modules[f"\\{top}"]["num_cells_by_type"]
    if (finish := family.build_tools().finish) is not None:
        mapped = json.loads(netlist.read_text(encoding="utf-8"))
        for name, added in finish(mapped).items():
            types[name] = types.get(name, 0) + added
        write_text(netlist, json.dumps(mapped), owned=True)
    return Synthesis(netlist, count_cells(types, family), log)
