"""Chooses a folding: the fastest whose estimated cost fits a board."""

from __future__ import annotations

from bisect import bisect_right
from math import inf
from typing import Protocol

from bnnhw.devices import Family, Technology
from bnnhw.errors import CheckError
from bnnhw.folding.cycles import predict
from bnnhw.folding.folded import MEMORIES, FoldedNetwork, LayerFolding, divisors
from bnnhw.folding.pipeline import mvu_pipeline
from bnnhw.folding.resources import NOTHING, Resources, estimate, layer_resources
from bnnhw.folding.units import MvuUnit
from bnnhw.ir import Conv2d, Dense, Layer, MaxPool, Network, SumPool, walk

__all__ = ["Device", "cheapest", "fastest", "logic_cells", "modest"]

CELL_SHARE = 0.70
"""Share of a device's logic cells an estimate may take: the rest is the estimate's error, and room to route."""

MODEST_CELLS = 4000
"""Logic cells up to which place and route takes about a minute: what :func:`modest` stays within."""

CORRECTIONS = 4
"""Times that a demand is tightened because the units together take longer than the slowest alone."""

MAX_SIMD = 256
"""Widest popcount tried; wider ones gain nothing per LUT4 and lengthen the pipeline."""


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

    def __init__(self, layer: Dense, convolution: Conv2d | None, device: Device, tech: Technology) -> None:
        self.cycles: list[int] = []
        self.foldings: list[LayerFolding] = []
        multiplier = 0 if convolution is None else convolution.multiplier
        foldings = [
            LayerFolding(pe, simd, memory)
            for pe in _elements(layer.neurons, multiplier)
            for simd in _lanes(layer, convolution)
            for memory in MEMORIES
        ]
        vectors = 1 if convolution is None else convolution.window.positions
        units = [MvuUnit(layer, f, mvu_pipeline(layer, f, tech, multiplier), vectors) for f in foldings]
        costs = [_share(layer_resources(unit, tech), device) for unit in units]
        cycles = [vectors * unit.pipeline.interval for unit in units]
        least = inf
        for index in sorted(range(len(units)), key=lambda i: (cycles[i], costs[i])):
            if costs[index] < least:
                least = costs[index]
                self.cycles.append(cycles[index])
                self.foldings.append(foldings[index])

    def within(self, cycles: int) -> LayerFolding | None:
        position = bisect_right(self.cycles, cycles)
        return self.foldings[position - 1] if position else None


def _parts(size: int) -> list[int]:
    """The sizes of parts that cut ``size`` into a number of folds with the least padding: ``ceil(size / folds)``."""
    return sorted({-(-size // folds) for folds in range(1, size + 1)})


def _elements(neurons: int, multiplier: int) -> list[int]:
    """The PEs to choose from; ``multiplier`` neurons a channel of a depthwise convolution, otherwise 0."""
    if not multiplier:
        return _parts(neurons)
    return divisors(multiplier)[:-1] + [multiplier * channels for channels in _parts(neurons // multiplier)]


def _lanes(layer: Dense, convolution: Conv2d | None) -> list[int]:
    """The SIMDs to choose from.

    Of a convolution those that the words of a window unit are parts or multiples of, so that converters stay simple.
    """
    if convolution is None:
        return [simd for simd in _parts(layer.synapses) if simd <= MAX_SIMD]
    if convolution.depthwise:
        return [1]
    channels, taps = convolution.window.channels, convolution.window.area
    parts = {d for d in range(1, channels + 1) if channels % d == 0}
    parts |= {channels * d for d in range(1, taps + 1) if taps % d == 0}
    return sorted(simd for simd in parts if simd <= MAX_SIMD)


def _least(layer: Layer) -> int:
    """Cycles a frame that a layer's window unit takes with all channels in a word; no folding makes it quicker."""
    if not isinstance(layer, Conv2d | MaxPool | SumPool):
        return 1
    window = layer.window
    return max(window.height * window.width, window.positions * window.area)


class _Search:
    """A network on a device, and the choices of its layers."""

    def __init__(self, network: Network, device: Device, reserve: Resources, cells: float | None = None) -> None:
        self.network = network
        self.device = device
        self.reserve = reserve
        self.cells = min(CELL_SHARE * device.lut4, inf if cells is None else cells)
        self.tech = device.family.technology
        convolutions = {layer.name: layer for layer in walk(network.layers) if isinstance(layer, Conv2d)}
        self.choices = [_Choices(layer, convolutions.get(layer.name), device, self.tech) for layer in network.matrices]

    def within(self, cycles: int) -> FoldedNetwork | None:
        """The cheapest folding of every layer within ``cycles`` cycles, if there is one of each and all fit."""
        foldings = [choice.within(cycles) for choice in self.choices]
        chosen = tuple(f for f in foldings if f is not None)
        if len(chosen) < len(foldings):
            return None
        folded = FoldedNetwork(self.network, chosen)
        return folded if self._fits(folded) else None

    def _fits(self, folded: FoldedNetwork) -> bool:
        cost = estimate(folded, self.tech, quick=True) + self.reserve
        return logic_cells(cost, self.device.family) <= self.cells and cost.bram <= self.device.block_rams


def cheapest(network: Network, device: Device, cycles: int, *, reserve: Resources = NOTHING) -> FoldedNetwork | None:
    """The folding of the least estimated cost that takes at most so many cycles per frame; None when none fits.

    ``reserve`` is kept free for what else is on the device: the link.
    """
    search = _Search(network, device, reserve)
    target = cycles
    for _ in range(CORRECTIONS):
        folded = search.within(target)
        if folded is None:
            return None
        excess = predict(folded, search.tech).cycles_per_frame - cycles
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
    """The folding with the fewest cycles per frame whose estimate fits the device beside ``reserve``.

    With ``cells``, one of at most so many logic cells.

    Each layer gets the cheapest folding within a common number of cycles; the least such number that fits is
    searched by halving.

    Raises
    ------
    CheckError
        When not even the smallest folding fits; the message says how much too big it is.
    """
    search = _Search(network, device, reserve, cells)
    low = max(map(_least, walk(network.chain)))
    high = max(low, *(choice.cycles[-1] for choice in search.choices))
    best = search.within(high)
    if best is None:
        smallest = FoldedNetwork(network, tuple(choice.foldings[-1] for choice in search.choices))
        cost = estimate(smallest, search.tech) + reserve
        logic = logic_cells(cost, device.family)
        raise CheckError(
            f"the network does not fit {device.name} even at its smallest: "
            f"about {logic:.0f} logic cells of {device.lut4}, {cost.bram} block RAMs of {device.block_rams}"
        )
    while low < high:
        middle = (low + high) // 2
        folded = search.within(middle)
        if folded is not None:
            best, high = folded, middle
        else:
            low = middle + 1
    return best
