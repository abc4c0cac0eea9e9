"""The network that whole accelerators are simulated with."""

from __future__ import annotations

import numpy as np

from bnnhw.dataflow.engine import LayerFolding
from bnnhw.folding import FoldedNetwork
from bnnhw.ir import Dense, InputSpec, Network, Output
from tests.layers import random_layer

__all__ = ["FOLDED"]


def _folded() -> FoldedNetwork:
    """Three layers that take every turn: two bits plane by plane, padding, converters up and general, both memories."""

    def layer(name: str, synapses: int, neurons: int, dtype: str, output: str | None, seed: int) -> Dense:
        return random_layer(np.random.default_rng(seed), neurons, synapses, dtype, output, name=name)

    layers = (
        layer("first", 19, 10, "uint2", "bipolar", 1),
        layer("second", 10, 7, "bipolar", "uint2", 2),
        layer("third", 7, 5, "uint2", None, 3),
    )
    rng = np.random.default_rng(4)
    output = Output("output", rng.integers(1, 4, 5), rng.integers(-9, 9, 5))
    # Thresholds per element, every other row falling: hardware takes codes, and the host makes them of samples.
    table = np.sort(rng.normal(size=(19, 3)))
    spec = InputSpec((19,), layers[0].input, tuple(map(tuple, table.tolist())), tuple(bool(n % 2) for n in range(19)))
    network = Network(spec, (*layers, output))
    first = LayerFolding(4, 5, "block", planes="serial")
    return FoldedNetwork(network, (first, LayerFolding(2, 3, "lut"), LayerFolding(2, 4, "lut")))


FOLDED = _folded()
