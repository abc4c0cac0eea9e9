"""Functions of each number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.larq.graph import LarqGraph
from bnnhw.frontend.larq.options import KerasLayer
from bnnhw.frontend.larq.quantizers import CLASSES, quantizer
from bnnhw.frontend.larq.registry import handles

__all__: list[str] = []


@handles("Activation")
def _activation(graph: LarqGraph, layer: KerasLayer) -> None:
    graph.activation(layer)


@handles(*CLASSES)
def _quantizer(graph: LarqGraph, layer: KerasLayer) -> None:
    """One that is a layer of its own."""
    how = quantizer(layer, "")
    assert how is not None
    graph.quantize(layer, how)


@handles("ReLU")
def _relu(graph: LarqGraph, layer: KerasLayer) -> None:
    """With a greatest value too, as MobileNet's."""
    layer.require("negative_slope", 0.0, 0.0, 0, None)
    layer.require("threshold", 0.0, 0.0, 0, None)
    _numbers(graph, layer)
    most = layer.get("max_value")
    graph.step(layer.name, "Relu")
    if most is not None:
        graph.step(f"{layer.name}/max", "Clip", 0.0, layer.number("max_value", 0.0))


def _numbers(graph: LarqGraph, layer: KerasLayer) -> None:
    if graph.state == "samples":
        raise layer.unsupported("a quantized layer must stand before it")


@handles("LeakyReLU")
def _leaky_relu(graph: LarqGraph, layer: KerasLayer) -> None:
    """Keras 3 calls its slope another name."""
    _numbers(graph, layer)
    option = "alpha" if "alpha" in layer.config else "negative_slope"
    graph.step(layer.name, "LeakyRelu", alpha=layer.number(option, 0.3))


@handles("PReLU")
def _prelu(graph: LarqGraph, layer: KerasLayer) -> None:
    """A slope per channel: shared over the positions."""
    _numbers(graph, layer)
    positions = list(range(1, len(graph.shape)))
    shared: Any = layer.get("shared_axes") or []
    if not isinstance(shared, list) or sorted(str(axis) for axis in shared) != [str(axis) for axis in positions]:
        raise layer.unsupported(f"shared_axes must be {positions}, not {shared!r:.60}")
    slope: NDArray[np.float32] = graph.array(layer, "alpha", (*[1] * len(positions), graph.shape[0]))
    graph.step(layer.name, "PRelu", graph.by_channel(slope.ravel()))
