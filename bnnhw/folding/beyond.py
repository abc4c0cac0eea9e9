"""What a device has no room for: the next better folding, and what of the device it would take too much of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

from bnnhw.dataflow import Resources
from bnnhw.folding.choices import Choices, Room, choose, spent

if TYPE_CHECKING:
    from bnnhw.folding.solve import Solver

__all__ = ["Beyond", "beyond"]

_NO_END = Room(inf, 1 << 40, 1 << 40)

CORRECTIONS = 4
"""Times that picks are made again, of less room for what lies between the layers."""


@dataclass(frozen=True)
class Beyond:
    """A folding that a device was not asked to hold.

    Parameters
    ----------
    cycles : int
        Of its slowest unit; a frame takes no fewer.
    resources : Resources
        What it is estimated to take, what is reserved included.
    short : tuple of str
        What of that is more than a folding may take: of ``"cells"``, ``"bram"`` and ``"spram"``.
    cells : float
        The logic cells that it might take, beside so many block RAMs.
    """

    cycles: int
    resources: Resources
    short: tuple[str, ...]
    cells: float


def beyond(solver: Solver, cycles: int, cells: float = inf) -> Beyond | None:
    """What the cheapest folding within so many cycles would take, on a device however large.

    Parameters
    ----------
    solver : Solver
    cycles : int
    cells : float
        Logic cells that were asked to be enough, where these are fewer than the device's.

    Returns
    -------
    Beyond, optional
        None where no folding is that fast: window units take more cycles, or every layer a cycle.
    """
    if cycles < min(solver.least, solver.least_in_columns):
        return None
    compared = [choices for choices in solver.compared(cycles) if all(choice.within(cycles) for choice in choices)]
    if not compared:
        compared = [solver.sharing(range(solver.least_in_columns, max(cycles, solver.least_in_columns) + 1))]
    room = replace(solver.room, cells=min(solver.room.cells, cells))
    found: list[tuple[float, Beyond]] = []
    tried = [
        (choices, picks)
        for choices in compared
        for picks in (_fewest_cells(solver, choices, cycles), choose(choices, cycles, _NO_END, solver.room))
        if picks is not None
    ]
    for choices, picks in tried:
        folded = solver.folded(picks, choices, cycles)
        cost = solver.cost(folded)
        taken = Room.of(cost)
        cells_beside = float(solver.room_for(choices, picks, room).cells_beside(min(taken.blocks, room.blocks)))
        times = {
            "cells": taken.cells / max(cells_beside, 1.0),
            "bram": taken.blocks / max(room.blocks, 1),
            "spram": taken.sprams / max(room.sprams, 1),
        }
        short = tuple(name for name, share in times.items() if share > 1)
        found.append((max(times.values()), Beyond(solver.slowest(folded), cost, short, cells_beside)))
    # What is over by less: cells alone, or a mix of all.
    return min(found, key=lambda each: each[0])[1] if found else None


def _fewest_cells(solver: Solver, choices: Sequence[Choices], cycles: int) -> list[int] | None:
    """The picks of the fewest logic cells that the device's memories are enough for; None where they never are."""
    room = replace(solver.room, cells=inf)
    left = room - Room.of(solver.reserve)
    for _ in range(CORRECTIONS):
        # Memories cost nothing as long as they suffice.
        picks = choose(choices, cycles, left, replace(_NO_END, cells=solver.room.cells))
        if picks is None:
            return None
        whole = Room.of(solver.cost(solver.folded(picks, choices, cycles)))
        if room.holds(whole):
            return picks
        left = room - (whole - spent(choices, picks))
    return None
