"""Layers that move numbers: Keras has channels last."""

from __future__ import annotations

import numpy as np

from bnnhw.frontend.larq.graph import LarqGraph
from bnnhw.frontend.larq.options import KerasLayer
from bnnhw.frontend.larq.registry import handles

__all__: list[str] = []


@handles("Flatten")
def _flatten(graph: LarqGraph, layer: KerasLayer) -> None:
    """Keras flattens channels fastest."""
    if len(graph.shape) > 1:
        _channels_last(graph, layer.name)
        graph.node("Flatten", layer.name, shape=(int(np.prod(graph.shape)),), axis=1)


def _channels_last(graph: LarqGraph, name: str) -> None:
    """Turn a map over, to Keras' order."""
    channels, *rest = graph.shape
    perm = [0, *range(2, 2 + len(rest)), 1]
    graph.node("Transpose", f"{name}/channels_last", shape=(*rest, channels), perm=perm)


@handles("Reshape")
def _reshape(graph: LarqGraph, layer: KerasLayer) -> None:
    """In Keras' order of axes."""
    target = layer.get("target_shape")
    if not isinstance(target, list) or not 1 <= len(target) <= 3 or not all(
        type(size) is int and (size == -1 or 0 < size < 1 << 20) for size in target
    ):  # fmt: skip
        raise layer.unsupported(f"target_shape must be one to three sizes, not {target!r:.60}")
    size, known = int(np.prod(graph.shape)), int(np.prod([size for size in target if size > 0]))
    if target.count(-1) > 1 or size % known or (-1 not in target and size != known):
        raise layer.damaged(f"target_shape must have {size} elements, not {target!r:.60}")
    shape = tuple(size // known if n == -1 else n for n in target)
    if len(graph.shape) > 1:
        _channels_last(graph, layer.name)
    graph.node("Reshape", layer.name, graph.constant(f"{layer.name}/shape", np.array([1, *shape])), shape=shape)
    if len(shape) > 1:
        perm = [0, len(shape), *range(1, len(shape))]
        graph.node("Transpose", f"{layer.name}/channels_first", shape=(shape[-1], *shape[:-1]), perm=perm)
