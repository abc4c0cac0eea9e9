"""Activation widths to try under a LUT budget: a heuristic, to be followed by a training.

What a bit is worth
-------------------
A site's noise in the scores is measured with its present width of ``b0`` bits, for disturbances of one level
(:mod:`bnnhw.analysis.sensitivity`). Levels of ``b`` bits are ``2**(b0 - b)`` of these apart, and the power of the
noise goes with the square of it, ``noise * 4**(b0 - b)``: 6 dB per bit (Zhou et al., "Adaptive Quantization for Deep
Neural Network", AAAI 2018, arXiv:1712.01048, with ``exp(-alpha * b)``, ``alpha = ln 4``). The noise of all sites adds
up.

What a bit costs
----------------
The LUT4 of the whole network by the cost model (:mod:`bnnhw.dataflow.resources`), with PE, SIMD and memory of each
layer as they are, hence the same cycles per frame: planes are counted side by side. A wider activation costs
``2**b - 1`` comparators where it is made and a popcount per bit where it is used.

The search
----------
From one bit everywhere, the bit of the greatest fall in noise per LUT4 that still fits is added, until none fits or
none helps: greedy, as in the second phase of Pandey et al., 2023 (arXiv:2302.05397), upside down. The input never gets
wider than it is: samples may hold no more.

What it does not know: how a training makes up for a narrow layer, or what it makes of a wide one. It ranks layers; the
accuracy of the widths that it suggests is that of a network trained with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bnnhw.analysis.activations import with_widths
from bnnhw.analysis.sensitivity import Sensitivity
from bnnhw.dataflow.resources import NOTHING, Resources
from bnnhw.errors import CheckError, NetworkError
from bnnhw.folding import FoldedNetwork
from bnnhw.folding.solve import Device
from bnnhw.ir.types import MAX_PLANES

__all__ = ["SiteWidth", "Suggestion", "suggest"]


@dataclass(frozen=True)
class SiteWidth:
    """The width suggested for a site.

    Parameters
    ----------
    name : str
    bits, suggested_bits : int
        As it is; to try.
    lut4_per_bit : int or None
        What one more bit than it has would cost in the network as it is; None where it can't be had.
    """

    name: str
    bits: int
    suggested_bits: int
    lut4_per_bit: int | None


@dataclass(frozen=True)
class Suggestion:
    """Widths under a budget.

    Parameters
    ----------
    budget : int
        LUT4, what is reserved included.
    estimate, suggested_estimate : Resources
        Cost of the network as it is and with the suggested widths, what is reserved included.
    noise, suggested_noise : float
        Sum over the sites, as measured and as the model says of the suggested widths.
    sites : tuple of SiteWidth
    """

    budget: int
    estimate: Resources
    suggested_estimate: Resources
    noise: float
    suggested_noise: float
    sites: tuple[SiteWidth, ...]


class _Costs:
    """The cost of a network for any widths, each computed once."""

    def __init__(self, folded: FoldedNetwork, device: Device, reserve: Resources) -> None:
        self._folded, self._device, self._reserve = folded, device, reserve
        self._known: dict[tuple[tuple[str, int], ...], Resources | None] = {}

    def __call__(self, widths: dict[str, int]) -> Resources | None:
        """With what is reserved; None where an element between layers would be too wide for the hardware."""
        key = tuple(sorted(widths.items()))
        if key not in self._known:
            try:
                network = with_widths(self._folded.network, widths)
                folded = FoldedNetwork(network, self._folded.foldings)
                self._known[key] = folded.graph(self._device.family.technology, quick=True).resources() + self._reserve
            except NetworkError:
                self._known[key] = None
        return self._known[key]


def suggest(
    sensitivity: Sensitivity,
    folded: FoldedNetwork,
    device: Device,
    budget: int,
    *,
    reserve: Resources = NOTHING,
    progress: Callable[[int, int], None] | None = None,
) -> Suggestion:
    """Widths of 1 to 8 bits for every site of a network that was measured.

    Parameters
    ----------
    sensitivity : Sensitivity
        That of the network of ``folded``.
    folded : FoldedNetwork
        Its PE, SIMD and memories stay.
    device : Device
        Its technology and block RAMs.
    budget : int
        LUT4, those of ``reserve`` included.
    reserve : Resources
        What else is on the device: the link.
    progress : callable, optional
        Told how many bits were given away, of how many at most.

    Raises
    ------
    CheckError
        One bit everywhere is too much already; says by how much.
    """
    costs = _Costs(folded, device, reserve)
    measured = {m.site.name: m for m in sensitivity.sites}
    most = {
        name: min(m.site.dtype.bits, MAX_PLANES) if m.site.kind == "input" else MAX_PLANES
        for name, m in measured.items()
    }

    def noise(name: str, bits: int) -> float:
        site = measured[name]
        return site.noise * 4.0 ** (site.site.dtype.bits - bits)

    def fits(cost: Resources | None) -> bool:
        return cost is not None and cost.lut4 <= budget and cost.bram <= device.block_rams

    widths = dict.fromkeys(measured, 1)
    least = costs(widths)
    if least is None or not fits(least):
        needed = (
            "more than the hardware has" if least is None else f"about {least.lut4} LUT4 and {least.bram} block RAMs"
        )
        raise CheckError(
            f"the network needs {needed} with one bit everywhere, and may have {budget} LUT4 and "
            f"{device.block_rams} block RAMs of {device.name}"
        )
    now, total = least, sum(bits - 1 for bits in most.values())
    while True:
        if progress is not None:
            progress(sum(widths.values()) - len(widths), total)
        best: tuple[float, str, Resources] | None = None
        for name, bits in widths.items():
            gain = noise(name, bits) - noise(name, bits + 1)
            if bits == most[name] or gain <= 0:
                continue
            cost = costs(widths | {name: bits + 1})
            if cost is None or not fits(cost):
                continue
            # A bit that costs nothing counts as one LUT4.
            worth = gain / max(1, cost.lut4 - now.lut4)
            if best is None or worth > best[0]:
                best = worth, name, cost
        if best is None:
            break
        _, name, now = best
        widths[name] += 1
    if progress is not None:
        progress(total, total)
    present = {name: m.site.dtype.bits for name, m in measured.items()}
    here = costs(present)
    assert here is not None
    return Suggestion(
        budget,
        here,
        now,
        sum(m.noise for m in sensitivity.sites),
        sum(noise(name, bits) for name, bits in widths.items()),
        tuple(SiteWidth(name, bits, widths[name], _step(costs, present, name, here)) for name, bits in present.items()),
    )


def _step(costs: _Costs, present: dict[str, int], name: str, here: Resources) -> int | None:
    """LUT4 of one more bit at a site, all others as they are."""
    if present[name] >= MAX_PLANES:
        return None
    wider = costs(present | {name: present[name] + 1})
    return None if wider is None else wider.lut4 - here.lut4
