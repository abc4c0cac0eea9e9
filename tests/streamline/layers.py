"""Single layers and their thresholds."""

from __future__ import annotations

import numpy as np

from bnnhw.ir import (
    BatchNorm,
    BitMatrix,
    DataType,
    Dense,
    InputSpec,
    Network,
    Output,
    WeightPlane,
    batch_norm_sign,
)
from bnnhw.ir.activation import Thresholds
from bnnhw.streamline.thresholds import thresholds as run_pass

BIPOLAR = DataType("bipolar", 1)


def one_layer(layer: Dense) -> Network:
    """A network that begins with the layer and ends in one class."""
    plane = WeightPlane(1, BitMatrix.from_bits(np.ones((1, layer.neurons))))
    return Network(
        InputSpec((layer.synapses,), layer.input),
        (
            layer,
            Dense("last", BIPOLAR if layer.activation is None else layer.output, (plane,), None),
            Output.plain("o", 1),
        ),
    )


def convert(layer: Dense) -> tuple[Dense, tuple[str, ...]]:
    result = run_pass(one_layer(layer))
    return result.network.matrices[0], result.warnings


def neuron(
    k: int, gamma: float, beta: float, mean: float, var: float = 1.0, dtype: DataType = BIPOLAR, ones: int = 0
) -> Dense:
    """A layer of one neuron whose first ``ones`` weights are +1."""
    norm = BatchNorm(*(np.array([v]) for v in (gamma, beta, mean, var)), 0.0)
    plane = WeightPlane(1, BitMatrix.from_bits(np.arange(k)[None, :] < ones))
    return Dense("d", dtype, (plane,), batch_norm_sign(norm))


def threshold(layer: Dense) -> int:
    converted, warnings = convert(layer)
    assert warnings == ()
    assert isinstance(converted.activation, Thresholds)
    return int(converted.activation.values[0, 0])
