"""Chooses a folding: the fastest whose estimated cost fits a board."""

from __future__ import annotations

from typing import Protocol

from bnnhw.errors import CheckError
from bnnhw.folding.chain import Stage
from bnnhw.folding.counter import Technology, technology
from bnnhw.folding.cycles import predict
from bnnhw.folding.folded import MEMORIES, FoldedNetwork, LayerFolding
from bnnhw.folding.pipeline import mvu_pipeline
from bnnhw.folding.resources import LINK, Resources, estimate, layer_resources
from bnnhw.ir import Dense, Network

__all__ = ["Device", "cheapest", "fastest"]

LUT_SHARE = 0.70
"""Share of a device's LUT4 an estimate may take: the rest is the estimate's error, and room to route."""

MAX_SIMD = 256
"""Widest popcount tried; wider ones gain nothing per LUT4 and lengthen the pipeline."""


class Device(Protocol):
    """What the solver needs to know of a board."""

    @property
    def name(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def lut4(self) -> int: ...
    @property
    def block_rams(self) -> int: ...


def _share(resources: Resources, device: Device) -> float:
    """The cost of a part: its share of the LUT4 and of the block RAMs, added."""
    return resources.lut4 / (LUT_SHARE * device.lut4) + resources.bram / device.block_rams


def _cheapest(layer: Dense, cycles: int, device: Device, tech: Technology) -> LayerFolding | None:
    """The cheapest folding of a layer that takes at most ``cycles`` cycles."""
    best: tuple[float, LayerFolding] | None = None
    for nf in range(1, min(layer.neurons, cycles) + 1):
        pe = -(-layer.neurons // nf)
        if -(-layer.neurons // pe) != nf:
            continue
        simd = -(-layer.synapses // (cycles // nf))
        if simd > MAX_SIMD:
            continue
        for memory in MEMORIES:
            folding = LayerFolding(pe, simd, memory)
            stage = Stage(layer.name, layer, folding, None, mvu_pipeline(layer, folding, tech))
            cost = _share(layer_resources(stage, tech), device)
            if best is None or cost < best[0]:
                best = (cost, folding)
    return best[1] if best else None


def _folded(network: Network, cycles: int, device: Device, tech: Technology) -> FoldedNetwork | None:
    """The cheapest folding of every layer within ``cycles`` cycles, if such foldings exist."""
    foldings = [_cheapest(layer, cycles, device, tech) for layer in network.dense]
    chosen = tuple(f for f in foldings if f is not None)
    return FoldedNetwork(network, chosen) if len(chosen) == len(foldings) else None


def _fits(folded: FoldedNetwork, device: Device) -> bool:
    cost = estimate(folded, device.family) + LINK
    return cost.lut4 <= LUT_SHARE * device.lut4 and cost.bram <= device.block_rams


def cheapest(network: Network, device: Device, cycles: int) -> FoldedNetwork | None:
    """The folding of the least estimated cost that takes at most so many cycles a frame; None when none fits."""
    tech = technology(device.family)
    folded = _folded(network, cycles, device, tech) if cycles > 0 else None
    if folded is None or not _fits(folded, device) or predict(folded, tech).cycles_per_frame > cycles:
        return None
    return folded


def fastest(network: Network, device: Device) -> FoldedNetwork:
    """The folding with the fewest cycles a frame whose estimate fits the device, a link included.

    Each layer gets the cheapest folding within a common number of cycles; the least such number that fits is
    searched by halving.

    Raises
    ------
    CheckError
        When not even the smallest folding fits; the message says how much too big it is.
    """
    tech = technology(device.family)
    low, high = 1, max(layer.neurons * layer.synapses for layer in network.dense)
    best = _folded(network, high, device, tech)
    assert best is not None, "a layer always has a folding within neurons * synapses cycles"
    if not _fits(best, device):
        cost = estimate(best, tech) + LINK
        raise CheckError(
            f"the network does not fit {device.name} even at its smallest: "
            f"about {cost.lut4} LUT4 of {device.lut4}, {cost.bram} block RAMs of {device.block_rams}"
        )
    while low < high:
        middle = (low + high) // 2
        folded = _folded(network, middle, device, tech)
        if folded is not None and _fits(folded, device):
            best, high = folded, middle
        else:
            low = middle + 1
    return best
