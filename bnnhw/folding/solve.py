"""Chooses a folding: the fastest whose estimated cost fits a board."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Protocol

from bnnhw.dataflow.resources import NOTHING, Resources
from bnnhw.devices import Family
from bnnhw.errors import CheckError
from bnnhw.folding.choices import Choices, Room, choose, logic_cells, spent
from bnnhw.folding.folded import FoldedNetwork
from bnnhw.folding.predict import predict
from bnnhw.ir import Layer, Network, walk

__all__ = ["Device", "cheapest", "fastest", "logic_cells", "modest"]

CELL_SHARE = 0.70
"""Share of a device's logic cells an estimate may take: the rest is the estimate's error, and room to route."""

MODEST_CELLS = 4000
"""Logic cells up to which place and route takes about a minute: what :func:`modest` stays within."""

CORRECTIONS = 4
"""Times that a demand is tightened because the units together take longer than the slowest alone."""


class Device(Protocol):
    """What the solver needs to know of a board."""

    @property
    def name(self) -> str: ...
    @property
    def family(self) -> Family: ...
    @property
    def lut4(self) -> int: ...
    @property
    def block_rams(self) -> int: ...


def _least(layer: Layer) -> int:
    """Cycles per frame that a layer's window unit takes with all channels in a word; no folding makes it quicker."""
    window = layer.window
    return 1 if window is None else max(window.height * window.width, window.positions * window.area)


class _Search:
    """A network on a device, and the choices of its layers."""

    def __init__(self, network: Network, device: Device, reserve: Resources, cells: float | None = None) -> None:
        self.network = network
        self.device = device
        self.reserve = reserve
        self.share = Room(CELL_SHARE * device.lut4, device.block_rams)
        self.room = Room(min(self.share.cells, inf if cells is None else cells), device.block_rams)
        self.layers = tuple(walk(network.chain))
        self.choices = [Choices(layer, device.family) for layer in self.layers if layer.matrix is not None]

    def within(self, cycles: int) -> FoldedNetwork | None:
        """The cheapest folding of every layer within ``cycles`` cycles, if there is one of each and all fit."""
        left = self.room - Room(logic_cells(self.reserve, self.device.family), self.reserve.bram)
        for _ in range(CORRECTIONS):
            picks = choose(self.choices, cycles, left, self.share)
            if picks is None:
                return None
            folded = self.folded(picks)
            cost = self.cost(folded, quick=True)
            whole = Room(logic_cells(cost, self.device.family), cost.bram)
            if self.room.holds(whole):
                return folded
            # What lies between the layers is known now: so much less is left for them.
            left = self.room - (whole - spent(self.choices, picks))
        return None

    def folded(self, picks: Sequence[int]) -> FoldedNetwork:
        """The network with one of its layers' choices each."""
        pairs = zip(self.choices, picks, strict=True)
        return FoldedNetwork(self.network, tuple(choice.foldings[pick] for choice, pick in pairs))

    def cost(self, folded: FoldedNetwork, *, quick: bool = False) -> Resources:
        """The estimated cost, what is reserved included."""
        return folded.graph(self.device.family.technology, quick=quick).resources() + self.reserve


def cheapest(network: Network, device: Device, cycles: int, *, reserve: Resources = NOTHING) -> FoldedNetwork | None:
    """The folding of the least estimated cost that takes at most so many cycles per frame; None when none fits.

    ``reserve`` is what beside the accelerator must fit too: its link.
    """
    search = _Search(network, device, reserve)
    target = cycles
    for _ in range(CORRECTIONS):
        folded = search.within(target)
        if folded is None:
            return None
        excess = predict(folded.graph(device.family.technology)).cycles_per_frame - cycles
        if excess <= 0:
            return folded
        # Units that are each quick enough wait for each other: quicker ones wait less.
        target -= excess
    return None


def modest(network: Network, device: Device, *, reserve: Resources = NOTHING) -> FoldedNetwork:
    """The fastest folding that is quick to place and route; the fastest of all where none is that small."""
    try:
        return fastest(network, device, MODEST_CELLS, reserve=reserve)
    except CheckError:
        return fastest(network, device, reserve=reserve)


def fastest(
    network: Network, device: Device, cells: float | None = None, *, reserve: Resources = NOTHING
) -> FoldedNetwork:
    """The folding with the fewest cycles per frame whose estimate fits the device, what is reserved included.

    With ``cells``, one of at most so many logic cells.

    Each layer gets the cheapest folding within a common number of cycles; the least such number that fits is
    searched by halving.

    Raises
    ------
    CheckError
        When not even the smallest folding fits; the message says how much too big it is.
    """
    search = _Search(network, device, reserve, cells)
    low = max(map(_least, search.layers))
    high = max(low, *(int(choice.cycles[-1]) for choice in search.choices))
    best = search.within(high)
    if best is None:
        cost = search.cost(search.folded([choice.cheapest(search.share) for choice in search.choices]))
        raise CheckError(
            f"the network does not fit {device.name} even at its smallest: "
            f"about {logic_cells(cost, device.family):.0f} logic cells of {device.lut4}, "
            f"{cost.bram} block RAMs of {device.block_rams}"
        )
    while low < high:
        middle = (low + high) // 2
        folded = search.within(middle)
        if folded is not None:
            best, high = folded, middle
        else:
            low = middle + 1
    return best
