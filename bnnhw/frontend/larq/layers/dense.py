"""Matrices, and the normalization behind products."""

from __future__ import annotations

import numpy as np

from bnnhw.frontend.larq.graph import LarqGraph
from bnnhw.frontend.larq.options import KerasLayer
from bnnhw.frontend.larq.registry import handles

__all__: list[str] = []


@handles("QuantDense")
def _dense(graph: LarqGraph, layer: KerasLayer) -> None:
    if len(graph.shape) != 1:
        raise layer.unsupported("a Flatten must stand before it")
    units = layer.size("units")
    graph.inputs(layer)
    kernel = graph.kernel(layer, (graph.shape[0], units))
    graph.product("MatMul", layer.name, kernel, kernel.values, (units,))
    graph.finish_layer(layer)


@handles("BatchNormalization")
def _batch_norm(graph: LarqGraph, layer: KerasLayer) -> None:
    if graph.state == "samples":
        raise layer.unsupported("a quantized layer must stand before a batch normalization")
    channels, epsilon = graph.shape[0], layer.number("epsilon", 1e-3)
    axis = layer.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, len(graph.shape)):
        raise layer.unsupported(f"axis must be the last, not {axis!r:.60}")
    if epsilon < 0:
        raise layer.damaged(f"epsilon must be a number, not {epsilon!r}")
    given = {"gamma": layer.get("scale", True), "beta": layer.get("center", True)}
    default = {"gamma": np.ones(channels, np.float32), "beta": np.zeros(channels, np.float32)}
    arrays = {n: graph.array(layer, n, (channels,)) if there else default[n] for n, there in given.items()}
    arrays |= {n: graph.array(layer, n, (channels,)) for n in ("moving_mean", "moving_variance")}
    graph.step(layer.name, "BatchNormalization", *arrays.values(), epsilon=epsilon)
