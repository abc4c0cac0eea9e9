"""Chooses a folding: the fastest whose estimated cost fits a board."""

from __future__ import annotations

from bisect import bisect_right
from math import inf
from typing import Protocol

from bnnhw.dataflow.engine import ENGINES, LayerFolding
from bnnhw.dataflow.resources import NOTHING, Resources
from bnnhw.devices import Family
from bnnhw.errors import CheckError
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


def logic_cells(resources: Resources, family: Family) -> float:
    """Logic cells that LUT4 and registers take together."""
    return resources.lut4 + family.lone_registers * resources.ff


def _share(resources: Resources, device: Device) -> float:
    """The cost of a part: its share of the logic cells and of the block RAMs, added."""
    return logic_cells(resources, device.family) / (CELL_SHARE * device.lut4) + resources.bram / device.block_rams


class _Choices:
    """The foldings of one layer that are worth choosing: for any number of cycles the cheapest within it."""

    def __init__(self, layer: Layer, device: Device) -> None:
        self.cycles: list[int] = []
        self.foldings: list[LayerFolding] = []
        technology = device.family.technology
        foldings = [folding for name in ENGINES for folding in ENGINES.named(name).candidates(layer)]
        units = [ENGINES.named(folding.engine).unit(layer, folding, technology) for folding in foldings]
        costs = [_share(unit.resources(), device) for unit in units]
        cycles = [unit.interval for unit in units]
        least = inf
        for index in sorted(range(len(units)), key=lambda i: (cycles[i], costs[i])):
            if costs[index] < least:
                least = costs[index]
                self.cycles.append(cycles[index])
                self.foldings.append(foldings[index])

    def within(self, cycles: int) -> LayerFolding | None:
        position = bisect_right(self.cycles, cycles)
        return self.foldings[position - 1] if position else None


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
        self.cells = min(CELL_SHARE * device.lut4, inf if cells is None else cells)
        self.layers = tuple(walk(network.chain))
        self.choices = [_Choices(layer, device) for layer in self.layers if layer.matrix is not None]

    def within(self, cycles: int) -> FoldedNetwork | None:
        """The cheapest folding of every layer within ``cycles`` cycles, if there is one of each and all fit."""
        foldings = [choice.within(cycles) for choice in self.choices]
        chosen = tuple(f for f in foldings if f is not None)
        if len(chosen) < len(foldings):
            return None
        folded = FoldedNetwork(self.network, chosen)
        cost = self.cost(folded, quick=True)
        fits = logic_cells(cost, self.device.family) <= self.cells and cost.bram <= self.device.block_rams
        return folded if fits else None

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
    high = max(low, *(choice.cycles[-1] for choice in search.choices))
    best = search.within(high)
    if best is None:
        smallest = FoldedNetwork(network, tuple(choice.foldings[-1] for choice in search.choices))
        cost = search.cost(smallest)
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
