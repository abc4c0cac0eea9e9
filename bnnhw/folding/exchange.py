"""Picks that are a little too large are made to fit, one layer's folding after the other's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import numpy as np

from bnnhw.folding.choices import Choices, Room

__all__ = ["exchanged"]

WORTH_EXCHANGING = 0.25
"""Share of the device by which picks may be too large for exchanges to be tried."""

NEAREST = 4
"""Foldings of each layer that are tried at least."""


def exchanged(
    choices: Sequence[Choices],
    picks: list[int],
    cycles: int,
    device: Room,
    over: Callable[[list[int]], float],
    tries: int,
) -> list[int]:
    """Picks that are less too large, or not at all.

    Parameters
    ----------
    choices : sequence of Choices
    picks : list of int
        Which folding of each layer.
    cycles : int
        That all of them take at most.
    device : Room
        What costs are shares of; those that cost little are tried first.
    over : callable
        By what share of the device picks are too large; 0 where they fit.
    tries : int
        Foldings that are tried at most.
    """
    least = over(picks)
    orders = [
        np.argsort(device.share(c.cells[:n], c.blocks[:n], c.sprams[:n]), kind="stable").tolist()
        for c in choices
        for n in (c.within(cycles),)
    ]
    before = inf
    # What is far too large does not become small enough by exchanging.
    while 0 < least < min(before, WORTH_EXCHANGING):
        before = least
        for layer, order in enumerate(orders):
            for other in order[: max(tries // len(orders), NEAREST)]:
                if tries == 0 or least == 0:
                    return picks
                tries -= 1
                tried = [*picks[:layer], other, *picks[layer + 1 :]]
                if (cost := over(tried)) < least:
                    picks, least = tried, cost
    return picks
