"""Synthesis with Yosys: every repeated module once, flat only at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bnnhw import tools
from bnnhw.build.hierarchy import repeated_modules
from bnnhw.build.process import run_logged
from bnnhw.errors import BnnhwError

__all__ = ["FAMILIES", "CellCounts", "Synthesis", "count_cells", "script", "synthesize"]

FAMILIES = ("ice40", "ecp5")

# Both honour keep_hierarchy when they flatten, and end before the check section, which would name every wire after
# its cell: minutes on a large flat netlist. ECP5: without wide muxes, which turn adders into LUT6 and LUT7 at twice
# the area (64 lanes: 310 LUT4 with, 156 without).
_MAP = {
    "ice40": "synth_ice40 -top {top} -device {device} -run begin:check",
    "ecp5": "synth_lattice -family ecp5 -nowidelut -top {top} -run begin:check",
}


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


def count_cells(types: Mapping[str, int], family: str) -> CellCounts:
    """Counts of resources from counts of cells by type, as ``stat -json`` has them."""

    def total(*prefixes: str) -> int:
        return sum(count for name, count in types.items() if name.startswith(prefixes))

    if family == "ice40":
        return CellCounts(
            lut4=total("SB_LUT4"),
            ff=total("SB_DFF"),
            carry=total("SB_CARRY"),
            bram=total("SB_RAM40"),
            spram=total("SB_SPRAM"),
            dsp=total("SB_MAC16"),
        )
    if family == "ecp5":
        # A CCU2C is two LUTs with two carries. A DPR16X4 takes its four LUTs, and a slice's two as write port.
        return CellCounts(
            lut4=total("LUT4") + 2 * total("CCU2C") + 6 * total("TRELLIS_DPR16X4"),
            ff=total("TRELLIS_FF"),
            carry=2 * total("CCU2C"),
            bram=total("DP16KD", "PDPW16KD"),
            spram=0,
            dsp=total("MULT18X18D", "ALU54B"),
        )
    raise ValueError(f"family must be one of {', '.join(FAMILIES)}, not {family!r}")


def script(
    sources: Sequence[str],
    top: str,
    family: str,
    *,
    keep: Sequence[str] = (),
    device: str = "u",
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
        RTLIL names of modules, see :func:`~bnnhw.build.hierarchy.repeated_modules`.
    device : str
        iCE40 only: ``"hx"``, ``"lp"`` or ``"u"``, for the delays that mapping aims at.
    stem : str, optional
        Begins the names of the outputs; the top's name when not given.
    """
    stem = stem or top
    if family not in FAMILIES:
        raise ValueError(f"family must be one of {', '.join(FAMILIES)}, not {family!r}")
    read = [f"{'read_rtlil' if name.endswith('.il') else 'read_verilog'} {name}" for name in sources]
    return "\n".join(
        [
            *read,
            *(f"setattr -mod -set keep_hierarchy 1 {name}" for name in keep),
            _MAP[family].format(top=top, device=device),
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


def synthesize(
    sources: Sequence[Path],
    top: str,
    family: str,
    folder: Path,
    *,
    device: str = "u",
    progress: Callable[[str], None] | None = None,
) -> Synthesis:
    """Synthesizes files in ``folder``; leaves script, log, statistics and netlist there.

    Parameters
    ----------
    sources : sequence of Path
        Files inside ``folder``.
    progress : callable, optional
        Told what Yosys is doing: the title of each of its passes.

    Raises
    ------
    ToolError
        When there is no Yosys.
    BnnhwError
        When Yosys fails; the message holds its own and names the log.
    """
    yosys = tools.require("yosys")
    log = folder / "yosys.log"
    path = folder / f"{top}.ys"
    names = [source.relative_to(folder).as_posix() for source in sources]
    texts = [source.read_text() for source in sources if source.suffix == ".il"]
    path.write_text(script(names, top, family, keep=repeated_modules(texts, top), device=device))
    errors: list[str] = []

    def line(text: str) -> None:
        if text.startswith("ERROR: "):
            errors.append(text.removeprefix("ERROR: "))
        elif progress is not None and ". Executing " in text:
            progress(text.split(". Executing ", 1)[1].split(" pass", maxsplit=1)[0])

    netlist, statistics = folder / f"{top}.json", folder / f"{top}.stat.json"
    # What an earlier run left must not pass for this one's.
    for old in (netlist, statistics):
        old.unlink(missing_ok=True)
    status = run_logged(yosys, [path.name], folder, log, line)
    if status or not netlist.is_file() or not statistics.is_file():
        reason = errors[-1] if errors else f"it ended with status {status}"
        raise BnnhwError(f"Yosys failed: {reason} (log: {log})")
    modules = json.loads(statistics.read_text())["modules"]
    types = modules[f"\\{top}"]["num_cells_by_type"]
    return Synthesis(netlist, count_cells(types, family), log)
