"""The foldings of layers that are worth choosing, and the best choice of one for each of them.

A folding costs logic cells and block RAMs. What one layer saves of either another can spend, so the layers are chosen
together: a knapsack of one item per layer, solved exactly over the block RAMs, which are few.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnhw.dataflow.engine import ENGINES
from bnnhw.dataflow.resources import Resources
from bnnhw.devices import Family
from bnnhw.ir import Layer

__all__ = ["Choices", "Room", "choose", "logic_cells", "spent"]


def logic_cells(resources: Resources, family: Family) -> float:
    """Logic cells that LUT4 and registers take together."""
    return resources.lut4 + family.lone_registers * resources.ff


@dataclass(frozen=True)
class Room:
    """What there is to spend: logic cells and block RAMs."""

    cells: float
    blocks: int

    def __sub__(self, other: Room) -> Room:
        return Room(self.cells - other.cells, self.blocks - other.blocks)

    def holds(self, other: Room) -> bool:
        """Whether so much fits."""
        return other.cells <= self.cells and other.blocks <= self.blocks

    def share(self, cells: NDArray[np.float64], blocks: NDArray[np.int64]) -> NDArray[np.float64]:
        """The cost of parts: their share of the cells and of the block RAMs, added."""
        # A device without block RAMs holds no folding that takes one.
        return cells / self.cells + blocks / max(self.blocks, 1)


class Choices:
    """The foldings of one layer that no other beats in cycles, logic cells and block RAMs together.

    Parameters
    ----------
    layer : Layer
    family : Family
    engines : sequence of str
        Whose foldings are compared; where they have none, those of the engine folded, which has some for every layer.
        What an engine takes is worked out for each of its foldings, which may take seconds.

    Attributes
    ----------
    cycles : array (foldings,)
        Ascending.
    cells : array (foldings,) of float64
    blocks : array (foldings,)
    foldings : list of LayerFolding
    """

    def __init__(self, layer: Layer, family: Family, engines: Sequence[str] = ("folded",)) -> None:
        foldings = [folding for name in engines for folding in ENGINES.named(name).candidates(layer)]
        foldings = foldings or list(ENGINES.named("folded").candidates(layer))
        units = [ENGINES.named(folding.engine).unit(layer, folding, family.technology) for folding in foldings]
        costs = [unit.resources() for unit in units]
        rows = sorted(
            (unit.interval, logic_cells(cost, family), cost.bram, position)
            for position, (unit, cost) in enumerate(zip(units, costs, strict=True))
        )
        kept: list[tuple[int, float, int, int]] = []
        # Of the foldings so far, none slower: block RAMs ascending, logic cells descending.
        front: list[tuple[int, float]] = []
        for row in rows:
            cells, blocks = row[1:3]
            at = bisect_right(front, (blocks, cells))
            if at and front[at - 1][1] <= cells:
                continue
            while at < len(front) and front[at][1] >= cells:
                del front[at]
            insort(front, (blocks, cells))
            kept.append(row)
        self.cycles: NDArray[np.int64] = np.array([row[0] for row in kept])
        self.cells: NDArray[np.float64] = np.array([row[1] for row in kept], np.float64)
        self.blocks: NDArray[np.int64] = np.array([row[2] for row in kept])
        self.foldings = [foldings[row[3]] for row in kept]

    def within(self, cycles: int) -> int:
        """How many of them take at most so many cycles: the first ones."""
        return int(np.searchsorted(self.cycles, cycles, "right"))

    def cheapest(self, device: Room, count: int | None = None) -> int:
        """Which of the first ``count`` of them costs least as a share of a device."""
        return int(np.argmin(device.share(self.cells[:count], self.blocks[:count])))


def spent(choices: Sequence[Choices], picks: Sequence[int]) -> Room:
    """What the picked foldings take together."""
    pairs = list(zip(choices, picks, strict=True))
    return Room(
        float(sum(choice.cells[pick] for choice, pick in pairs)),
        int(sum(choice.blocks[pick] for choice, pick in pairs)),
    )


def choose(choices: Sequence[Choices], cycles: int, room: Room, device: Room) -> list[int] | None:
    """Picks the folding of every layer within ``cycles`` cycles, of the least cost that fits; None when none does.

    Parameters
    ----------
    room : Room
        What the layers may take together.
    device : Room
        What costs are shares of.
    """
    counts = [choice.within(cycles) for choice in choices]
    if not all(counts) or room.blocks < 0 or room.cells < 0:
        return None
    # Each layer's cheapest, where that fits: usual, and quick.
    picks = [choice.cheapest(device, n) for choice, n in zip(choices, counts, strict=True)]
    return picks if room.holds(spent(choices, picks)) else _knapsack(choices, counts, room, device)


def _knapsack(choices: Sequence[Choices], counts: Sequence[int], room: Room, device: Room) -> list[int] | None:
    """One folding of each layer: the fewest cells for every number of block RAMs, layer after layer."""
    # least[b]: the fewest cells that the layers so far take with exactly b block RAMs.
    least = np.full(room.blocks + 1, np.inf)
    least[0] = 0
    picked: list[NDArray[np.int64]] = []
    for choice, count in zip(choices, counts, strict=True):
        after = np.full(room.blocks + 1, np.inf)
        pick = np.full(room.blocks + 1, -1)
        for index in range(count):
            blocks = int(choice.blocks[index])
            if blocks > room.blocks:
                continue
            cells = least[: room.blocks + 1 - blocks] + choice.cells[index]
            better = cells < after[blocks:]
            after[blocks:][better] = cells[better]
            pick[blocks:][better] = index
        least = after
        picked.append(pick)
    cost = np.where(least <= room.cells, device.share(least, np.arange(room.blocks + 1)), np.inf)
    left = int(np.argmin(cost))
    if not np.isfinite(cost[left]):
        return None
    picks: list[int] = []
    for choice, pick in zip(reversed(choices), reversed(picked), strict=True):
        picks.append(int(pick[left]))
        left -= int(choice.blocks[picks[-1]])
    return picks[::-1]
