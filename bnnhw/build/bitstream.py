"""From Verilog to a bitstream, in named steps that are skipped when nothing has changed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bnnhw import tools
from bnnhw.boards import Board
from bnnhw.build import place_route, synth
from bnnhw.build.cache import StepCache, stamp_name
from bnnhw.build.design import TOP, Source, design_files, write_design
from bnnhw.build.explore import Attempt, attempts, cores, explore, first_placed, step_name
from bnnhw.build.floorplan import FLOORPLAN, floorplan
from bnnhw.build.result import REPORT, BuildResult, prediction_error, write_report
from bnnhw.build.synth import CellCounts
from bnnhw.errors import CheckError, RequestError
from bnnhw.files import OutputFolder, file_digest, locked, new_folders, package_digest, scratch, write_json
from bnnhw.links import BoardLink
from bnnhw.tools import Program

__all__ = ["BUILD", "LOCK", "STEPS", "BuildResult", "Progress", "build", "check_clock", "check_fit"]

BUILD, LOCK = "build", ".lock"
"""What a build's folder is, in the list of its files; its lock, which is there during a build."""

STEPS = ("elaborate", "synth", "fit", "place_route", "pack", "report")
"""The steps, in order."""

Progress = Callable[[str, float, str], None]
"""Told the step, the fraction of it that is done (0 to 1), and what it is doing."""


def check_fit(cells: CellCounts, board: Board) -> None:
    """:class:`~bnnhw.errors.CheckError`, with how much too big it is, for cells that the board has not.

    A lower bound: what passes may still fail to pack.
    """
    wanted = (
        ("LUT4", cells.lut4, board.lut4),
        ("FF", cells.ff, board.ff),
        ("block RAM", cells.bram, board.block_rams),
        ("SPRAM", cells.spram, board.sprams),
    )
    over = [
        f"{name} {used} of {most}" + (f" ({used / most:.0%})" if most else "")
        for name, used, most in wanted
        if used > most
    ]
    if over:
        raise CheckError(f"the design does not fit {board.name}: {', '.join(over)}")


def build(
    source: Source,
    board: Board,
    out_dir: Path,
    *,
    link: BoardLink,
    seed: int = 0,
    explored: int = 0,
    freq_mhz: float | None = None,
    predicted: Mapping[str, int] | None = None,
    fmax_estimate_mhz: float | None = None,
    extra: Mapping[str, Any] | None = None,
    beside: Mapping[str, Mapping[str, Any] | Callable[[Path], object] | None] | None = None,
    progress: Progress | None = None,
) -> BuildResult:
    """Builds the bitstream of Verilog for a board.

    Everything the steps make stays in ``out_dir``: sources, constraints, scripts, logs, netlist, configuration,
    bitstream (``top.bin``, ``top.bit``, ...) and ``report.json``.

    Parameters
    ----------
    seed : int
        Of place and route.
    explored : int
        How many attempts to place and route are made, from ``seed`` on (:mod:`~bnnhw.build.explore`); the best one is
        kept. 0: one, with nothing said about others.
    freq_mhz : float, optional
        Clock asked for; the board's default when not given.
    predicted, fmax_estimate_mhz : optional
        What the design was estimated to take and to reach, as :class:`~bnnhw.build.result.BuildResult` has them.
    extra : mapping, optional
        What ``report.json`` is to say too.
    beside : mapping, optional
        Files to write too, by name: JSON, or what writes them.

    Raises
    ------
    RequestError
        For a clock that is out of reach, or that does not suit the link, and when ``out_dir`` holds a file that would
        be written and is not as bnnhw wrote it.
    CheckError
        When the design does not fit, before place and route where the netlist shows it.
    ToolError
        When a tool is missing.
    BnnhwError
        When a tool fails.
    """
    clock_mhz = check_clock(board, link, freq_mhz)
    beside = beside or {}
    stamps = (stamp_name(step_name(number)) for number in range(explored))
    names = [*output_names(source, board, link), *stamps, *beside]
    with new_folders(out_dir), locked(out_dir / LOCK), OutputFolder(out_dir, BUILD, shared=True).writing(names):
        result = _build(
            source,
            board,
            out_dir,
            clock_mhz,
            link,
            seed,
            explored,
            predicted or {},
            fmax_estimate_mhz,
            extra or {},
            progress or (lambda *_: None),
        )
        for name, content in beside.items():
            if isinstance(content, Mapping):
                write_json(out_dir / name, content, owned=True)
            elif content is None:
                (out_dir / name).unlink(missing_ok=True)
            else:
                content(out_dir / name)
        return result


def _named(cells: Mapping[str, int], board: Board) -> dict[str, dict[str, int]]:
    """What synthesis used of a device, in the words of estimates."""
    part = board.part
    there = {"lut4": part.lut4, "ff": part.ff, "bram": part.block_rams, "spram": board.sprams}
    return {name: {"used": cells[name], "available": count} for name, count in there.items()}


def check_clock(board: Board, link: BoardLink, freq_mhz: float | None) -> float:
    """The clock that a board makes where one is asked for; :class:`~bnnhw.errors.RequestError` where it can't be."""
    if freq_mhz is not None and not 0 < freq_mhz < math.inf:
        raise RequestError(f"clock must be positive, not {freq_mhz:g}")
    clock_mhz = board.reachable_mhz(board.clock_mhz if freq_mhz is None else freq_mhz)
    try:
        link.check_clock(clock_mhz)
    except RequestError as error:
        if freq_mhz is None or clock_mhz == freq_mhz:
            raise
        raise RequestError(f"{error} ({board.name} makes {clock_mhz:g} of {freq_mhz:g})") from None
    return clock_mhz


def output_names(source: Source, board: Board, link: BoardLink) -> tuple[str, ...]:
    """Names of all files that :func:`build` writes, but for those ``beside``."""
    toolchain = board.family.build_tools()
    design = design_files(source, board, link, Path())
    return (
        *(path.name for path in (*design.sources, design.constraints)),
        *synth.output_names(TOP),
        *place_route.output_names(TOP, toolchain),
        FLOORPLAN,
        REPORT,
        *(stamp_name(step) for step in STEPS),
    )


def _build(
    source: Source,
    board: Board,
    folder: Path,
    clock_mhz: float,
    link: BoardLink,
    seed: int,
    explored: int,
    predicted: Mapping[str, int],
    fmax_estimate_mhz: float | None,
    extra: Mapping[str, Any],
    progress: Progress,
) -> BuildResult:
    toolchain = board.family.build_tools()
    cache = StepCache(folder)
    design = design_files(source, board, link, folder)
    last = {name: cache.last_seconds(name) for name in STEPS}

    def tell(name: str, fraction: float, what: str) -> None:
        seconds = last[name] or 0.0
        progress(name, fraction, f"{what} (last time {seconds:.0f} s)" if seconds >= 1 else what)

    @contextmanager
    def step(name: str) -> Iterator[None]:
        tell(name, 0.0, name)
        yield
        progress(name, 1.0, "unchanged" if name in cache.skipped else name)

    def elaborate() -> dict[str, Any]:
        write_design(source, board, folder, link=link, clock_mhz=clock_mhz)
        return {}

    with step("elaborate"):
        inputs = (
            source,
            board.fingerprint(),
            clock_mhz,
            link.name,
            link.settings,
            version("amaranth"),
            package_digest(),
        )
        cache.run("elaborate", inputs, [*design.sources, design.constraints], elaborate)

    how: dict[str, Any] = {"keep": source.repeated, "portable": source.portable, "part": board.part}

    def synthesize() -> dict[str, Any]:
        def passes(fraction: float, what: str) -> None:
            tell("synth", fraction, what)

        result = synth.synthesize(design.sources, TOP, board.family, folder, **how, progress=passes)
        return result.cells.as_dict()

    netlist = folder / f"{TOP}.json"
    with step("synth"):
        names = [path.name for path in design.sources]
        script = synth.script(names, TOP, board.family, **how)
        inputs = (_version("yosys"), script, *map(file_digest, design.sources))
        cells = CellCounts(**cache.run("synth", inputs, [netlist], synthesize))

    with step("fit"):
        check_fit(cells, board)

    def needs(types: Mapping[str, int]) -> dict[str, int]:
        return synth.count_cells(types, board.family).as_dict()

    def place(attempt: Attempt, where: Path, told: Callable[[float, str], None]) -> dict[str, Any]:
        with scratch(folder) as temporary:
            routed = place_route.place_and_route(
                board,
                netlist,
                design.constraints,
                where,
                clock_mhz=clock_mhz,
                seed=attempt.seed,
                options=attempt.options,
                placed=temporary / "placed.json",
                progress=told,
            )
            assert routed.placed is not None
            drawn = floorplan(netlist, routed.placed, routed.timing, routed.clock, needs)
            write_json(where / FLOORPLAN, drawn, owned=True)
        return {
            "fmax_mhz": routed.fmax_mhz,
            "fmax_per_clock_mhz": routed.fmax_per_clock,
            "margin": routed.margin,
            "timing_met": routed.timing_met,
            "utilization": routed.utilization,
            "options": list(attempt.options),
        }

    def depends(*wanted: Attempt) -> tuple[object, ...]:
        return (
            _version(toolchain.place_route),
            board.place_route_options,
            *(attempt.options for attempt in wanted),
            clock_mhz,
            wanted[0].seed,
            file_digest(netlist),
            file_digest(design.constraints),
        )

    def watch(fraction: float, what: str) -> None:
        tell("place_route", fraction, what)

    wanted = attempts(toolchain, cells.lut4, seed, explored)
    configuration = folder / f"{TOP}.{toolchain.configuration}"
    with step("place_route"), scratch(folder) as temporary:
        began = time.monotonic()
        found = None
        if explored:
            found = explore(wanted, place, depends, temporary, StepCache(folder), workers=cores(), progress=watch)
        chosen = wanted if found is None else (found.best,)

        def keep() -> dict[str, Any]:
            if found is None or found.files is None:
                return first_placed(chosen, lambda attempt: place(attempt, folder, watch), watch)
            for path in found.files.iterdir():
                path.replace(folder / path.name)
            return found.result

        routed = cache.run("place_route", depends(*chosen), [configuration, folder / FLOORPLAN], keep, began=began)

    bitstream = folder / f"{TOP}.{toolchain.bitstream}"

    def pack() -> dict[str, Any]:
        place_route.pack(board, configuration, bitstream)
        return {}

    with step("pack"):
        options = (*board.part.pack, *board.pack)
        cache.run("pack", (_version(toolchain.packer), options, file_digest(configuration)), [bitstream], pack)

    with step("report"):
        start = time.monotonic()
        report = folder / REPORT
        placed = routed["utilization"].get(toolchain.logic_cell, {}).get("used", 0)
        result = BuildResult(
            bitstream=bitstream,
            report=report,
            fmax_mhz=routed["fmax_mhz"],
            clock_mhz=clock_mhz,
            timing_met=routed["timing_met"],
            utilization={**_named(cells.as_dict(), board), **routed["utilization"]},
            estimate=cells.as_dict(),
            fps=clock_mhz * 1e6 / source.cycles_per_frame,
            latency_us=source.latency_cycles / clock_mhz,
            link_fps=link.frames_per_s(source.frame, clock_mhz),
            link={"name": link.name, **link.settings, **link.made(clock_mhz)},
            link_note=link.note(clock_mhz),
            stages_s={**cache.seconds, "report": round(time.monotonic() - start, 3)},
            skipped=tuple(cache.skipped),
            predicted=dict(predicted),
            prediction_error=prediction_error(predicted, {**cells.as_dict(), "cells": placed}),
            fmax_estimate_mhz=fmax_estimate_mhz,
        )
        used = [tools.require(program) for program in ("yosys", toolchain.place_route, toolchain.packer)]
        said = {
            "board": board.name,
            "device": board.device,
            "link": link.name,
            "protocol_version": link.protocol_version,
            **link.settings,
            **link.made(clock_mhz),
            "seed": chosen[0].seed,
            "place_route_options": routed["options"],
            "explored": None if found is None else found.figures(),
            "identity": source.identity,
            "cycles_per_frame": source.cycles_per_frame,
            "latency_cycles": source.latency_cycles,
            "fmax_per_clock_mhz": routed["fmax_per_clock_mhz"],
            "tools": {tool.name: f"{tool.path} {tool.version}" for tool in used},
        }
        write_report(result, {**said, **extra})
    return result


def _version(program: str | Program) -> str:
    tool = tools.require(program)
    return f"{tool.path} {tool.version}"
