"""The choice between counting packed bits and the references, layer by layer."""

from __future__ import annotations

from collections.abc import Callable

from bnnhw.ir.layer import Layer, walk
from bnnhw.ir.layers import Dense
from bnnhw.ir.network import Network
from bnnhw.reference.fast import conv, dense
from bnnhw.reference.fast.packed import packing_pays_for
from bnnhw.reference.fast.xnor import ready
from bnnhw.reference.kernels import PLAIN, Kernels, Step

__all__ = ["Packed", "kernels_for", "packing_pays"]

_START_MACS = 1 << 35
"""Products that take floating point as long as starting the compiled loops takes, about 0.6 s of processor time."""

_STEPS: dict[str, Callable[..., Step | None]] = {"dense": dense.packed, "conv": conv.packed}
"""By kind of layer: a layer that counts packed bits, made ready; None where it can't."""

Rule = Callable[[Dense, int], bool]
"""Whether packed bits are to be counted, of a matrix and the taps of its window."""


class Packed:
    """Counts packed bits wherever a rule says so; the references otherwise."""

    def __init__(self, rule: Rule = packing_pays_for) -> None:
        self._rule = rule

    def step(self, layer: Layer) -> Step:
        step = _STEPS[layer.kind](layer) if self.counts(layer) else None
        return PLAIN.step(layer) if step is None else step

    def counts(self, layer: Layer) -> bool:
        """Whether the rule says so of a layer."""
        if layer.matrix is None or layer.kind not in _STEPS:
            return False
        return self._rule(layer.matrix, 1 if layer.window is None else layer.window.area)


def packing_pays(network: Network, frames: int) -> bool:
    """Whether some frames are worth starting the compiled loops for; once started, they always are."""
    if ready():
        return True
    packed = Packed()
    macs = 0
    for layer in walk(network.chain):
        if layer.matrix is not None and packed.counts(layer):
            macs += layer.vectors * layer.matrix.synapses * layer.matrix.neurons
    return frames * macs >= _START_MACS


def kernels_for(network: Network, frames: int) -> Kernels:
    """The fastest way for some frames."""
    return Packed() if packing_pays(network, frames) else PLAIN
