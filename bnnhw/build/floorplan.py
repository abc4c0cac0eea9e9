"""Where the units of a routed design lie on the chip, and what its slowest path runs through.

Synthesis makes one netlist of all modules, and most of its cells have names of its own. What is left of the modules are
the names of their registers' and memories' signals. So a cell is of the unit that its output is named after; one whose
output has no such name is of the unit that most of the cells behind it are of, or else of those in front of it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from bnnhw.errors import BnnhwError

__all__ = ["BOARD", "FLOORPLAN", "critical_path", "floorplan", "slowest_steps", "unit_of", "unit_resources", "units_of"]

FLOORPLAN = "floorplan.json"

BOARD = "board"
"""What no unit's name is found for, and what is of few cells: clocks, pins and resets."""

FEW = 4
"""Fewer cells are no unit of their own."""

_PLACE = re.compile(r"X(\d+)/?Y(\d+)")
_RESET = "_reset"
_ROUNDS = 64
"""As many look-up tables may follow each other without a name between them."""


def unit_of(name: str) -> str | None:
    """The unit that a signal or a cell is named after, in the netlist's words; None for a name that synthesis made.

    >>> unit_of("link.core.accelerator.layer0_dense0.lanes.acc"), unit_of("link.slave.count"), unit_of("$abc$12$n7")
    ('layer0_dense0', 'link', None)
    """
    # What a module's name was put in front of stands behind a backslash: the outermost module's comes first.
    parts = (name.partition("\\")[2] or name).split(".")
    if len(parts) < 2 or parts[0].startswith("$"):
        return None
    if "accelerator" in parts[:-1]:
        # Its own signals are the streams between its units.
        inner = parts[parts.index("accelerator") + 1 :]
        return inner[0].removesuffix(_RESET) if len(inner) > 1 else None
    return parts[0]


def units_of(module: Mapping[str, Any]) -> dict[str, str]:
    """The unit of every cell of a placed netlist, in the JSON format of Yosys and nextpnr.

    Parameters
    ----------
    module : mapping
        Its ``cells`` and ``netnames``.

    Returns
    -------
    dict of str to str
        By the name of the cell.
    """
    named: dict[int, str] = {}
    for name, net in module["netnames"].items():
        if (unit := unit_of(name)) is not None:
            named.update((bit, unit) for bit in net["bits"] if isinstance(bit, int))
    drives: dict[str, list[int]] = {}
    reads: dict[str, list[int]] = {}
    for name, cell in module["cells"].items():
        directions = cell["port_directions"]
        drives[name], reads[name] = [], []
        for port, bits in cell["connections"].items():
            (drives if directions[port] == "output" else reads)[name] += [bit for bit in bits if isinstance(bit, int)]
    found = {name: unit for name in module["cells"] if (unit := unit_of(name)) is not None}
    for name, bits in drives.items():
        if name not in found and (units := [named[bit] for bit in bits if bit in named]):
            found[name] = _most(units)
    readers, drivers = _by_bit(reads), _by_bit(drives)
    for ours, theirs in ((drives, readers), (reads, drivers)):
        _spread(found, ours, theirs)
    sizes = Counter(found.values())
    return {name: found[name] if name in found and sizes[found[name]] >= FEW else BOARD for name in module["cells"]}


def _most(units: Iterable[str]) -> str:
    """The most frequent; of as many the first in the alphabet."""
    return min(Counter(units).items(), key=lambda item: (-item[1], item[0]))[0]


def _by_bit(cells: Mapping[str, list[int]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for name, bits in cells.items():
        for bit in bits:
            found.setdefault(bit, []).append(name)
    return found


def _spread(found: dict[str, str], ours: Mapping[str, list[int]], theirs: Mapping[int, list[str]]) -> None:
    """Cells without a unit take that of most of their neighbours, in place; in rounds: order does not matter."""
    left = [name for name in ours if name not in found]
    for _ in range(_ROUNDS):
        new: dict[str, str] = {}
        for name in left:
            units = [found[other] for bit in ours[name] for other in theirs.get(bit, ()) if other in found]
            if units:
                new[name] = _most(units)
        if not new:
            return
        found.update(new)
        left = [name for name in left if name not in found]


def slowest_steps(timing: Mapping[str, Any], clock: str) -> list[dict[str, Any]] | None:
    """The steps of the slowest path from a register of a clock to one of the same, in nextpnr's words; None without."""
    edge = f"posedge {clock}"
    paths = [path["path"] for path in timing["critical_paths"] if path["from"] == path["to"] == edge]
    return max(paths, key=lambda steps: sum(step["delay"] for step in steps), default=None)


def critical_path(timing: Mapping[str, Any], clock: str, units: Mapping[str, str]) -> dict[str, Any] | None:
    """The slowest path from a register of a clock to one of the same, unit by unit.

    Parameters
    ----------
    timing : mapping
        nextpnr's report.
    clock : str
        In its words.
    units : mapping of str to str
        As :func:`units_of` gives them.

    Returns
    -------
    dict, optional
        ``ns``, ``logic_ns`` and ``routing_ns``, ``levels`` (cells passed), and ``hops``: unit, nanoseconds and levels,
        in the order of the path. None where no such path is reported.
    """
    steps = slowest_steps(timing, clock)
    if steps is None:
        return None
    hops: list[dict[str, Any]] = []
    logic = routing = 0.0
    for step in steps:
        unit, wire = units.get(step["to"]["cell"], BOARD), step["type"] == "routing"
        if not hops or hops[-1]["unit"] != unit:
            hops.append({"unit": unit, "ns": 0.0, "levels": 0})
        hops[-1]["ns"] += step["delay"]
        hops[-1]["levels"] += step["type"] == "logic"
        logic, routing = (logic, routing + step["delay"]) if wire else (logic + step["delay"], routing)
    for hop in hops:
        hop["ns"] = round(hop["ns"], 3)
    return {
        "ns": round(logic + routing, 3),
        "logic_ns": round(logic, 3),
        "routing_ns": round(routing, 3),
        "levels": sum(hop["levels"] for hop in hops),
        "hops": hops,
    }


Count: TypeAlias = Callable[[Mapping[str, int]], Mapping[str, int]]
"""Takes how many cells there are of each type; gives what they need of each resource."""


def unit_resources(module: Mapping[str, Any], count: Count) -> dict[str, dict[str, int]]:
    """What each unit of a netlist needs; all of them together what the netlist does.

    Parameters
    ----------
    module : mapping
        As :func:`units_of` takes it, before it is placed: nextpnr has types of its own.
    count : callable
    """
    types: dict[str, Counter[str]] = {}
    for name, unit in units_of(module).items():
        types.setdefault(unit, Counter())[module["cells"][name]["type"]] += 1
    return {unit: dict(count(types[unit])) for unit in sorted(types)}


def floorplan(netlist: Path, placed: Path, timing: Path, clock: str, count: Count) -> dict[str, Any]:
    """What a page shows of a placed design.

    Parameters
    ----------
    netlist, placed : Path
        What synthesis writes, and what nextpnr makes of it, with the place of each cell.
    timing : Path
        Its report.
    clock : str
        Whose slowest path is asked for.
    count : callable
        See :func:`unit_resources`.

    Returns
    -------
    dict
        ``width`` and ``height`` in tiles; ``units``, the most cells first: name, ``cells`` and ``tiles``, rows of x, y
        and how many cells of the unit there are; ``resources``, see :func:`unit_resources`; ``critical_path``, see
        :func:`critical_path`.

    Raises
    ------
    BnnhwError
        When a file is no such netlist.
    """
    resources = unit_resources(_top(netlist, "Yosys"), count)
    module = _top(placed, "nextpnr")
    units = units_of(module)
    tiles: dict[str, Counter[tuple[int, int]]] = {}
    for name, cell in module["cells"].items():
        if (place := _PLACE.match(cell["attributes"].get("NEXTPNR_BEL", ""))) is not None:
            tiles.setdefault(units[name], Counter())[int(place[1]), int(place[2])] += 1
    every = [place for counts in tiles.values() for place in counts]
    ordered = sorted(tiles.items(), key=lambda item: (-item[1].total(), item[0]))
    return {
        "width": 1 + max((x for x, _ in every), default=0),
        "height": 1 + max((y for _, y in every), default=0),
        "units": [
            {"name": unit, "cells": counts.total(), "tiles": sorted([x, y, n] for (x, y), n in counts.items())}
            for unit, counts in ordered
        ],
        "resources": resources,
        "critical_path": critical_path(json.loads(timing.read_text(encoding="utf-8")), clock, units),
    }


def _top(path: Path, program: str) -> dict[str, Any]:
    """The top module of a netlist."""
    try:
        modules = json.loads(path.read_text(encoding="utf-8"))["modules"]
        (module,) = (m for m in modules.values() if int(str(m["attributes"].get("top", "0")), 2))
    except (ValueError, KeyError) as error:
        raise BnnhwError(f"{program} wrote no netlist with one top: {error}") from None
    return module
