"""Six small networks, one of each kind that generated Verilog is held to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.ir import DataType, InputSpec, Network, Output
from tests.layers import Branch, MapNetwork, random_layer

__all__ = ["NETWORKS"]


def _chain(sizes: tuple[int, ...], dtypes: tuple[str, ...], foldings: tuple[LayerFolding, ...]) -> FoldedNetwork:
    """Fully connected layers."""
    rng = np.random.default_rng(len(sizes))
    outputs = (*dtypes[1:], None)
    layers = [
        random_layer(rng, neurons, synapses, dtype, output, name=f"dense{number}")
        for number, (synapses, neurons, dtype, output) in enumerate(
            zip(sizes[:-1], sizes[1:], dtypes, outputs, strict=True)
        )
    ]
    spec = InputSpec((sizes[0],), DataType.parse(dtypes[0]))
    return FoldedNetwork(Network(spec, (*layers, Output.plain("output", sizes[-1]))), foldings)


def _dense() -> FoldedNetwork:
    return _chain((19, 10, 4), ("bipolar", "bipolar"), (LayerFolding(4, 5, "block"), LayerFolding(2, 3)))


def _multi_bit() -> FoldedNetwork:
    """Planes one after another and side by side, a multiplier and an offset for each class."""
    folded = _chain((19, 10, 5), ("uint4", "uint2"), (LayerFolding(4, 5, "block", planes="serial"), LayerFolding(2, 4)))
    rng = np.random.default_rng(4)
    output = Output("output", rng.integers(1, 4, 5), rng.integers(-99, 9, 5))
    return FoldedNetwork(Network(folded.network.input, (*folded.network.chain, output)), folded.foldings)


def _single() -> FoldedNetwork:
    """A decision: class 1 where the score is not negative."""
    folded = _chain((24, 6, 1), ("int3", "bipolar"), (LayerFolding(3, 8), LayerFolding(1, 2)))
    output = Output("output", np.array([-1]), np.array([3]))
    return FoldedNetwork(Network(folded.network.input, (*folded.network.chain, output)), folded.foldings)


def _folded(network: Branch) -> FoldedNetwork:
    assert isinstance(network, MapNetwork)
    return network.folded()


def _conv() -> FoldedNetwork:
    """A window whose memory is worth a RAM, a pool."""
    network = MapNetwork((3, 6, 7), "uint2").conv(8, (3, 3), (4, 9), padding=(1, 1, 1, 1), memory="block")
    return _folded(network.pool((2, 2), (2, 2)).dense(4, (2, 6), None))


def _signal() -> FoldedNetwork:
    """One-dimensional."""
    return _folded(MapNetwork((1, 1, 40), "uint4").conv(4, (1, 5), (2, 5), stride=(1, 2)).dense(3, (1, 12), None))


def _residual() -> FoldedNetwork:
    """A shortcut with a convolution of its own, a queue beside it, an affine step."""

    def shortcut(branch: Branch) -> Branch:
        return branch.pool((2, 2), (2, 2), kind="sum").quantize("uint2").conv(8, (1, 1), (4, 3), output=None)

    branch = MapNetwork((3, 8, 6), "int4").conv(6, (3, 3), (2, 9), padding=(1, 1, 1, 1), output="uint2")
    branch = branch.residual(lambda b: b.conv(8, (2, 2), (4, 6), stride=(2, 2), output=None), shortcut).affine()
    return _folded(branch.quantize().dense(5, (2, 8), None))


NETWORKS: dict[str, Callable[[], FoldedNetwork]] = {
    "dense": _dense,
    "conv": _conv,
    "signal": _signal,
    "residual": _residual,
    "multi-bit": _multi_bit,
    "single": _single,
}
"""Name -> how it is made."""
