"""The foldings of layers that are worth choosing, and the best choice of one for each of them.

A folding costs logic cells, block RAMs and SPRAMs. What one layer saves of any another can spend, so the layers are
chosen together: a knapsack of one item per layer, solved exactly over the memories, which are few.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.dataflow.engine import WRITABLE, LayerFolding, most_vectors
from bnnhw.dataflow.loads import WORD_BITS
from bnnhw.dataflow.resources import Resources
from bnnhw.devices import Family
from bnnhw.errors import FoldingError
from bnnhw.folding.costs import Costs
from bnnhw.ir import Layer

__all__ = ["NEARLY", "Choices", "Room", "choose", "spent"]


@dataclass(frozen=True)
class Room:
    """What there is to spend.

    Parameters
    ----------
    cells, blocks, sprams
        Logic cells, block RAMs and large single-port memories.
    together : float
        Logic cells and block RAMs, these as ``block_cells`` cells each: a device that is full of both is not routed.
    """

    cells: float
    blocks: int
    sprams: int = 0
    together: float = inf
    block_cells: float = 0.0

    def __sub__(self, other: Room) -> Room:
        together = self.together - other.cells - self.block_cells * other.blocks
        left = self.cells - other.cells, self.blocks - other.blocks, self.sprams - other.sprams
        return Room(*left, together, self.block_cells)

    def cells_beside(self, blocks: Any) -> Any:
        """The logic cells that there are beside so many block RAMs, a number of them or an array."""
        return np.minimum(self.cells, self.together - self.block_cells * blocks)

    def holds(self, other: Room) -> bool:
        """Whether so much fits."""
        cells = self.cells_beside(other.blocks)
        return bool(other.cells <= cells and other.blocks <= self.blocks and other.sprams <= self.sprams)

    def share(
        self, cells: NDArray[np.float64], blocks: NDArray[np.int64], sprams: NDArray[np.int64] | int = 0
    ) -> NDArray[np.float64]:
        """The cost of parts: their share of the cells, of the block RAMs and of the SPRAMs, added."""
        # A device without block RAMs holds no folding that takes one.
        return cells / self.cells + blocks / max(self.blocks, 1) + sprams / max(self.sprams, 1)

    @classmethod
    def of(cls, resources: Resources) -> Room:
        """What some resources take up."""
        return cls(float(resources.cells), resources.bram, resources.spram)


NEARLY = 40
"""Logic cells by which a folding must be beaten to be left out: what lies beside it may cost so much less."""


class Choices:
    """The foldings of one layer that no other beats clearly in cycles, logic cells, block RAMs and SPRAMs together.

    Parameters
    ----------
    layer : Layer
    family : Family
    engines : sequence of str
        Whose foldings are compared; where they have none, those of the engine folded, which has some for every layer.
        What an engine takes is worked out for each of its foldings, which may take seconds.
    sprams : int
        Weights may be in SPRAM too, wherever they may be in block RAM, where no more than so many are full of them.
    writable : bool
        Whether only foldings are compared whose weights and thresholds can be replaced while the device runs.
    vectors : sequence of int
        Numbers of vectors that may share a weight word, where that brings a folding within ``cycles``.
    alone : Choices, optional
        The same without any that share one: what is not among these is not compared again.
    costs : Costs, optional
        What is known of the costs of units.

    Attributes
    ----------
    cycles : array (foldings,)
        Ascending.
    cells : array (foldings,) of float64
    blocks, sprams : array (foldings,)
    foldings : list of LayerFolding
    """

    def __init__(
        self,
        layer: Layer,
        family: Family,
        engines: Sequence[str] = ("folded",),
        *,
        sprams: int = 0,
        writable: bool = False,
        vectors: Sequence[int] = (),
        cycles: range = range(0),
        alone: Choices | None = None,
        costs: Costs | None = None,
    ) -> None:
        costs = Costs(family.technology) if costs is None else costs
        foldings = [folding for name in engines for folding in costs.candidates(layer, name)]
        foldings = foldings or list(costs.candidates(layer, "folded"))
        shared = [each for folding in foldings for each in _shared(layer, folding, vectors, cycles)]
        foldings = [*(foldings if alone is None else alone.foldings), *shared]
        if sprams:
            most = sprams * WORD_BITS + WORD_BITS - 1
            narrow = [each for each in foldings if each.memory == "block" and each.pe * each.simd <= most]
            foldings += [replace(folding, memory="spram") for folding in narrow]
        if writable:
            foldings = [replace(folding, writable=True) for folding in foldings if folding.memory in WRITABLE]
            if not foldings:
                raise FoldingError(f"layer {layer.name}: no engine that is asked for has weights that can be written")
        known = (costs.layer(layer, folding) for folding in foldings)
        rows = sorted(
            (cycles, float(cost.cells), cost.bram, cost.spram, position)
            for position, (cycles, cost) in enumerate(known)
        )
        kept: list[tuple[int, float, int, int, int]] = []
        # Of the foldings so far, none slower, by how many SPRAMs they take: block RAMs ascending, cells descending.
        fronts: dict[int, list[tuple[int, float]]] = {}
        for row in rows:
            cells, blocks, large = row[1:4]
            # By how many cells one of them beats it.
            beaten = -inf
            for taken, front in fronts.items():
                at = bisect_right(front, (blocks, cells))
                if taken <= large and at > 0:
                    beaten = max(beaten, cells - front[at - 1][1])
            if beaten < NEARLY:
                kept.append(row)
            if beaten >= 0:
                continue
            front = fronts.setdefault(large, [])
            at = bisect_right(front, (blocks, cells))
            while at < len(front) and front[at][1] >= cells:
                del front[at]
            insort(front, (blocks, cells))
        self.cycles: NDArray[np.int64] = np.array([row[0] for row in kept])
        self.cells: NDArray[np.float64] = np.array([row[1] for row in kept], np.float64)
        self.blocks: NDArray[np.int64] = np.array([row[2] for row in kept])
        self.sprams: NDArray[np.int64] = np.array([row[3] for row in kept])
        self.foldings = [foldings[row[4]] for row in kept]

    def within(self, cycles: int) -> int:
        """How many of them take at most so many cycles: the first ones."""
        return int(np.searchsorted(self.cycles, cycles, "right"))

    def cheapest(self, device: Room, count: int | None = None) -> int:
        """Which of the first ``count`` of them costs least as a share of a device."""
        return int(np.argmin(device.share(self.cells[:count], self.blocks[:count], self.sprams[:count])))


def _shared(layer: Layer, folding: LayerFolding, vectors: Sequence[int], cycles: range) -> Iterator[LayerFolding]:
    """A folding with its weight words shared by so many vectors: where they can be, and bring it within the cycles."""
    matrix = layer.matrix
    assert matrix is not None, "only layers with weights are folded"
    if not vectors or layer.depth_multiplier:
        return
    each = layer.vectors * -(-matrix.neurons // folding.pe) * -(-matrix.synapses // folding.simd)
    if not cycles.start < each <= max(vectors) * cycles.stop:
        return
    most = min(folding.most_vectors(matrix), most_vectors(folding.engine))
    for count in vectors:
        if count <= most and each <= count * cycles.stop:
            yield replace(folding, vectors=count)


def spent(choices: Sequence[Choices], picks: Sequence[int]) -> Room:
    """What the picked foldings take together."""
    pairs = list(zip(choices, picks, strict=True))
    return Room(
        float(sum(choice.cells[pick] for choice, pick in pairs)),
        int(sum(choice.blocks[pick] for choice, pick in pairs)),
        int(sum(choice.sprams[pick] for choice, pick in pairs)),
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
    if not all(counts) or min(room.blocks, room.cells, room.sprams, room.together) < 0:
        return None
    # Each layer's cheapest, where that fits: usual, and quick.
    picks = [choice.cheapest(device, n) for choice, n in zip(choices, counts, strict=True)]
    return picks if room.holds(spent(choices, picks)) else _knapsack(choices, counts, room, device)


def _knapsack(choices: Sequence[Choices], counts: Sequence[int], room: Room, device: Room) -> list[int] | None:
    """One folding of each layer: the fewest cells for every number of memories of either kind, layer after layer."""
    shape = room.blocks + 1, room.sprams + 1
    # least[b, s]: the fewest cells that the layers so far take with exactly b block RAMs and s SPRAMs.
    least = np.full(shape, np.inf)
    least[0, 0] = 0
    picked: list[NDArray[np.int64]] = []
    for choice, count in zip(choices, counts, strict=True):
        after = np.full(shape, np.inf)
        pick = np.full(shape, -1)
        for index in range(count):
            blocks, sprams = int(choice.blocks[index]), int(choice.sprams[index])
            if blocks > room.blocks or sprams > room.sprams:
                continue
            cells = least[: shape[0] - blocks, : shape[1] - sprams] + choice.cells[index]
            better = cells < after[blocks:, sprams:]
            after[blocks:, sprams:][better] = cells[better]
            pick[blocks:, sprams:][better] = index
        least = after
        picked.append(pick)
    taken = device.share(least, np.arange(shape[0])[:, None], np.arange(shape[1])[None])
    cost = np.where(least <= room.cells_beside(np.arange(shape[0])[:, None]), taken, np.inf)
    left, large = map(int, np.unravel_index(int(np.argmin(cost)), shape))
    if not np.isfinite(cost[left, large]):
        return None
    picks: list[int] = []
    for choice, pick in zip(reversed(choices), reversed(picked), strict=True):
        picks.append(int(pick[left, large]))
        left -= int(choice.blocks[picks[-1]])
        large -= int(choice.sprams[picks[-1]])
    return picks[::-1]
