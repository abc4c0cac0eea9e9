"""The cheapest folding whose frame is through in time: a latency, not cycles per frame.

Of an accelerator of fully connected layers each works on a vector when that before it is through with it, so a frame's
latency is about the sum of what the layers take: cycles are worth most where one of them costs least. Of windows, words
go on while others come, and less is known beforehand. So the search is guided by the sum, and what it finds is followed
through the graph for one frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.dataflow.throughput import first_result
from bnnhw.folding.choices import Choices, Room
from bnnhw.folding.folded import FoldedNetwork

if TYPE_CHECKING:
    from bnnhw.folding.solve import Solver

__all__ = ["prompt"]

HALVINGS = 14
"""Times that the worth of a cycle is halved: it is then known to one part in 16,000."""

PACES = 64
"""Numbers of cycles per frame whose cheapest folding a search starts from."""

STARTS = 4
"""Of those that do, so many of the cheapest are improved."""

NEIGHBOURS = 12
"""Foldings of a layer that are exchanged for a chosen one: the next cheaper, or the next quicker."""

FOLLOWED = 2_000_000
"""Cycles in which frames are followed at most, all together, after :data:`FRAMES` of them."""

FRAMES = 40
"""Frames that are followed however long they are."""


class _Search:
    """Picks of one folding per layer, with what is known of them."""

    def __init__(self, solver: Solver, choices: Sequence[Choices], latency: int, room: Room) -> None:
        self.solver, self.choices, self.due, self.room = solver, choices, latency, room
        self.costs = [solver.room.share(choice.cells, choice.blocks, choice.sprams) for choice in choices]
        self._latencies: dict[tuple[int, ...], int] = {}
        self._followed = 0
        self._wholes: dict[tuple[int, ...], Room] = {}

    def latency(self, picks: tuple[int, ...]) -> int:
        """Cycles that a frame takes from the first word on; far too many where no more frames are to be followed."""
        if picks not in self._latencies:
            if len(self._latencies) >= FRAMES and self._followed >= FOLLOWED:
                return 1 << 62
            folded = self.solver.folded(picks, self.choices)
            graph = folded.graph(self.solver.device.family.technology, quick=True)
            self._latencies[picks] = first_result(graph)
            self._followed += self._latencies[picks]
        return self._latencies[picks]

    def whole(self, picks: tuple[int, ...]) -> Room:
        """What they take, with all between the layers."""
        if picks not in self._wholes:
            self._wholes[picks] = Room.of(self.solver.cost(self.solver.folded(picks, self.choices)))
        return self._wholes[picks]

    def cost(self, picks: tuple[int, ...]) -> float:
        """That as a share of the device."""
        whole, device = self.whole(picks), self.solver.room
        return whole.cells / device.cells + whole.blocks / max(device.blocks, 1) + whole.sprams / max(device.sprams, 1)

    def good(self, picks: tuple[int, ...]) -> bool:
        """Whether they fit and are in time."""
        return self.room.holds(self.whole(picks)) and self.latency(picks) <= self.due

    def of_worth(self, worth: float) -> tuple[int, ...]:
        """Each layer's folding of the least cost, where a cycle is worth so much of the device."""
        pairs = zip(self.costs, self.choices, strict=True)
        return tuple(int(np.argmin(cost + worth * choice.cycles)) for cost, choice in pairs)

    def started(self) -> list[tuple[int, ...]]:
        """Picks that are in time and fit, of which others can be made: by the worth of cycles, and by the slowest."""
        found: list[tuple[int, ...]] = []
        low, high = 1e-12, 1.0
        for _ in range(HALVINGS):
            middle = (low * high) ** 0.5
            picks = self.of_worth(middle)
            if self.latency(picks) > self.due:
                low = middle
                continue
            high = middle
            if self.good(picks):
                found.append(picks)
        # Latency is no steady function of cycles per frame: a number of these are tried.
        for cycles in np.unique(np.geomspace(self.solver.least, max(self.due, self.solver.least), PACES).astype(int)):
            picks = self.solver.picked(self.choices, int(cycles), self.room)
            if picks is not None and self.good(picks):
                found.append(picks)
        return found or self._hurried()

    def _hurried(self) -> list[tuple[int, ...]]:
        """Picks that are in time where a cycle's worth alone gives none: units of as many cycles differ in latency."""
        picks, before = self.of_worth(1.0), 1 << 62
        while self.due < (now := self.latency(picks)) < before:
            before = now
            others = (
                self._with(picks, layer, other)
                for layer in range(len(picks))
                for other in range(min(len(self.choices[layer].cycles), 2 * NEIGHBOURS))
            )
            picks = min((picks, *others), key=self.latency)
        return [picks] if self.good(picks) else []

    def improved(self, picks: tuple[int, ...]) -> tuple[int, ...]:
        """Picks that cost less: one layer's cheaper, and where that is too slow another one's quicker."""
        while (better := next(self._better(picks), None)) is not None:
            picks = better
        return picks

    def _better(self, picks: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        cost, layers = self.cost(picks), range(len(picks))
        for layer in layers:
            for cheaper in self._near(layer, picks[layer], cheaper=True):
                tried = self._with(picks, layer, cheaper)
                options = [tried]
                for other in layers:
                    quicker = self._near(other, picks[other], cheaper=False) if other != layer else []
                    options += [self._with(tried, other, each) for each in quicker]
                yield from (each for each in options if self.cost(each) < cost and self.good(each))

    def _near(self, layer: int, pick: int, *, cheaper: bool) -> list[int]:
        """The next foldings of a layer that cost less, or that take fewer cycles."""
        cost, cycles = self.costs[layer], self.choices[layer].cycles
        if cheaper:
            found = np.flatnonzero(cost < cost[pick])
            return found[np.argsort(-cost[found], kind="stable")][:NEIGHBOURS].tolist()
        found = np.flatnonzero(cycles < cycles[pick])
        return found[np.argsort(cost[found], kind="stable")][:NEIGHBOURS].tolist()

    @staticmethod
    def _with(picks: tuple[int, ...], layer: int, other: int) -> tuple[int, ...]:
        return (*picks[:layer], other, *picks[layer + 1 :])


def prompt(solver: Solver, latency: int) -> FoldedNetwork | None:
    """The folding of the least estimated cost whose frame takes at most so many cycles of latency.

    Parameters
    ----------
    solver : Solver
    latency : int
        From the first input word of a frame that meets an empty accelerator to its result.

    Returns
    -------
    FoldedNetwork, optional
        None when none was found that fits the device.
    """
    search = _Search(solver, solver.choices, latency, solver.room)
    starts = sorted(set(search.started()), key=search.cost)[:STARTS]
    best = min(map(search.improved, starts), key=search.cost, default=None)
    if best is None:
        return None
    folded = solver.folded(best, solver.choices)
    # Depths of queues are derived now, not guessed.
    exact = folded.graph(solver.device.family.technology)
    return folded if first_result(exact) <= latency else None
