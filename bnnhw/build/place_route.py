"""Placement and routing with nextpnr, and packing."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bnnhw import tools
from bnnhw.boards import Board
from bnnhw.build.process import SilentError, run_logged
from bnnhw.build.watch import GivenUpError, NextpnrWatcher, Progress
from bnnhw.devices.family import Toolchain
from bnnhw.errors import BnnhwError, CheckError
from bnnhw.files import whole_file

__all__ = ["PlaceRoute", "output_names", "pack", "place_and_route"]


@dataclass(frozen=True)
class PlaceRoute:
    """A routed design.

    Attributes
    ----------
    configuration : Path
        What the packer reads.
    fmax_mhz : float
        Of the slowest clock, relative to what that clock must reach.
    clock : str
        That clock, in nextpnr's words.
    fmax_per_clock : dict of str to float
        MHz.
    margin : float
        What that clock reaches, by what it must.
    timing_met : bool
        Every clock reaches its constraint.
    utilization : dict of str to dict
        Resource -> ``{"used": n, "available": m}``, in nextpnr's words; those with none used left out.
    log : Path
    timing : Path
        nextpnr's report.
    placed : Path, optional
        The netlist with the place of each cell, where one was asked for.
    """

    configuration: Path
    fmax_mhz: float
    clock: str
    fmax_per_clock: dict[str, float]
    margin: float
    timing_met: bool
    utilization: dict[str, dict[str, int]]
    log: Path
    timing: Path
    placed: Path | None = None


def output_names(stem: str, toolchain: Toolchain) -> tuple[str, ...]:
    """What :func:`place_and_route` and :func:`pack` leave."""
    suffixes = (toolchain.configuration, "timing.json", "nextpnr.log", toolchain.bitstream)
    return (*(f"{stem}.{suffix}" for suffix in suffixes), f"{toolchain.packer.name}.log")


def _named(options: Sequence[str], **files: str) -> list[str]:
    """Options with the names of files in them."""
    return [option.format(**files) for option in options]


def place_and_route(
    board: Board,
    netlist: Path,
    constraints: Path,
    folder: Path,
    *,
    clock_mhz: float,
    seed: int = 0,
    stem: str = "top",
    options: Sequence[str] = (),
    placed: Path | None = None,
    progress: Progress | None = None,
) -> PlaceRoute:
    """Runs nextpnr in ``folder``; leaves the configuration, the report and the log there.

    A design that misses its clock is no error here: the result says what it reaches.

    Parameters
    ----------
    netlist, constraints : Path
        Yosys' JSON; pins and clocks in the family's format.
    clock_mhz : float
        What placement and routing aim at, for clocks without a constraint of their own.
    options : sequence of str
        More of nextpnr's options.
    placed : Path, optional
        The netlist with the place of each cell is written here, unless the configuration is one: see the result.

    Raises
    ------
    ToolError
        When there is no nextpnr for the board's family.
    CheckError
        When the design does not fit, with how much too big it is.
    GivenUpError
        When no place or no way is found for all of the design.
    BnnhwError
        When nextpnr fails otherwise; the message holds its own and names the log.
    """
    toolchain = board.family.build_tools()
    tool = tools.require(toolchain.place_route)
    configuration = folder / f"{stem}.{toolchain.configuration}"
    report, log = folder / f"{stem}.timing.json", folder / f"{stem}.nextpnr.log"
    for old in (configuration, report):
        old.unlink(missing_ok=True)
    arguments = [
        *board.place_route_options,
        *("--json", os.path.relpath(netlist, folder)),
        *_named(
            toolchain.place_route_options,
            constraints=os.path.relpath(constraints, folder),
            configuration=configuration.name,
        ),
        *("--report", report.name),
        *("--freq", f"{clock_mhz:g}"),
        *("--seed", str(seed)),
        "--timing-allow-fail",
        *(() if placed is None else _named(toolchain.placed_options, placed=os.path.relpath(placed, folder))),
        *options,
    ]
    watcher = NextpnrWatcher(progress)
    try:
        status = run_logged(tool, arguments, folder, log, watcher)
    except SilentError:
        taken = watcher.fullest()
        raise GivenUpError(f"{tool.name} finds no legal place for all cells: {taken} (log: {log})") from None
    if status or not configuration.is_file() or not report.is_file():
        if (excess := watcher.too_big()) is not None:
            raise CheckError(f"the design does not fit {board.name}: {excess}")
        reason = watcher.errors[0] if watcher.errors else f"it ended with status {status}"
        kind = GivenUpError if "legal placement" in reason else BnnhwError
        raise kind(f"{tool.name} failed: {reason} (log: {log})")
    routed = _read_report(configuration, report, log, clock_mhz)
    if placed is None:
        return routed
    return replace(routed, placed=placed if toolchain.placed_options else configuration)


def _read_report(configuration: Path, report: Path, log: Path, clock_mhz: float) -> PlaceRoute:
    data = json.loads(report.read_text(encoding="utf-8"))
    clocks = {name: float(clock["achieved"]) for name, clock in data["fmax"].items()}
    if not clocks:
        raise BnnhwError(f"nextpnr reports no clock (report: {report})")

    def slack(name: str) -> float:
        constraint = float(data["fmax"][name].get("constraint", clock_mhz))
        return clocks[name] / constraint

    slowest = min(clocks, key=slack)
    return PlaceRoute(
        configuration,
        clocks[slowest],
        slowest,
        clocks,
        slack(slowest),
        slack(slowest) >= 1,
        {
            name: {"used": n["used"], "available": n["available"]}
            for name, n in data["utilization"].items()
            if n["used"]
        },
        log,
        report,
    )


def pack(board: Board, configuration: Path, bitstream: Path) -> Path:
    """Turns a routed configuration into the bitstream, written whole or not at all.

    Returns
    -------
    Path
        The packer's log.
    """
    toolchain = board.family.build_tools()
    name = toolchain.packer.name
    tool = tools.require(toolchain.packer)
    folder = configuration.parent
    log = folder / f"{name}.log"
    with whole_file(bitstream, owned=True) as part:
        files = _named(
            toolchain.pack_options, configuration=configuration.name, bitstream=os.path.relpath(part, folder)
        )
        status = run_logged(tool, [*board.part.pack, *board.pack, *files], folder, log)
        if status or not part.is_file() or not part.stat().st_size:
            raise BnnhwError(f"{name} failed with status {status} (log: {log})")
    return log
