"""The registry of what converts which class of Keras' and Larq's layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from bnnhw.frontend.larq.graph import LarqGraph
from bnnhw.frontend.larq.options import KerasLayer

__all__ = ["LAYERS", "Handler", "add_layer", "handles"]

Handler: TypeAlias = Callable[[LarqGraph, KerasLayer], None]

LAYERS: dict[str, Handler] = {}
"""By Keras class; filled by the files of :mod:`bnnhw.frontend.larq.layers`."""

_INERT = ("InputLayer", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout")
"""Layers that do nothing in inference."""

_CURES = {
    "Dense": "its weights are real numbers: use QuantDense with a kernel_quantizer",
    "Conv1D": "its weights are real numbers: use QuantConv1D with a kernel_quantizer",
    "Conv2D": "its weights are real numbers: use QuantConv2D with a kernel_quantizer",
    "DepthwiseConv2D": "its weights are real numbers: use QuantDepthwiseConv2D with a depthwise_quantizer",
    "SeparableConv2D": "its weights are real numbers: use QuantSeparableConv2D with its quantizers",
    "ZeroPadding1D": "it pads with 0: use padding 'same' and pad_values 1 or -1 of the next layer",
    "ZeroPadding2D": "it pads with 0: use padding 'same' and pad_values 1 or -1 of the next layer",
    "Add": "branches are read from QONNX; a Larq model must be a chain of layers",
    "Concatenate": "branches are read from QONNX; a Larq model must be a chain of layers",
    "Rescaling": "leave it out, and write its scale and offset as input_scale and input_offset of the .npz",
    "Normalization": "leave it out, and write its scale and offset as input_scale and input_offset of the .npz",
}
"""What to do instead, of layers that users have and that are not read."""


def handles(*kinds: str) -> Callable[[Handler], Handler]:
    """Register a function for some classes."""

    def register(handler: Handler) -> Handler:
        LAYERS.update(dict.fromkeys(kinds, handler))
        return handler

    return register


def add_layer(graph: LarqGraph, layer: KerasLayer) -> None:
    """Add a layer to the graph, or refuse it by name."""
    if layer.kind in _INERT:
        return
    handler = LAYERS.get(layer.kind)
    if handler is None:
        cure = f": {_CURES[layer.kind]}" if layer.kind in _CURES else ""
        raise layer.unsupported(f"{layer.kind!r:.60} is not supported{cure}")
    graph.begin(layer)
    layer.require("data_format", "channels_last", "channels_last")
    handler(graph, layer)
