"""The JSON of a Keras model -> its layers in the order in which they compute."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bnnhw.errors import FileError, UnsupportedError
from bnnhw.frontend.larq import ARCHITECTURE
from bnnhw.frontend.larq.options import KerasLayer

__all__ = ["read_architecture"]

_WHERE = f"array {ARCHITECTURE!r}"
_MODELS = ("Sequential", "Functional", "Model")
"""Keras' classes of models without code of their own; ``Model`` is a functional one before Keras 2.4."""


def read_architecture(text: bytes) -> tuple[list[KerasLayer], tuple[int, ...]]:
    """The layers of a ``Sequential`` model, or of a functional one that is a chain, and the shape of a frame.

    Returns
    -------
    layers : list of KerasLayer
    shape : tuple of int
        As ONNX has it: (features,), (channels, length), or (channels, height, width).

    Raises
    ------
    FileError
        It is no JSON of a Keras model.
    UnsupportedError
        The model is no chain of layers.
    """
    try:
        model = json.loads(text)
        kind, config = str(model["class_name"]).rpartition(">")[2], model["config"]
        if kind in _MODELS[1:] and isinstance(config, dict):
            layers = _chain(config)
        elif kind == _MODELS[0]:
            layers = [_layer(entry) for entry in (config["layers"] if isinstance(config, dict) else config)]
        else:
            layers = None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise FileError(f"{_WHERE} must be the JSON of a Keras model") from None
    if layers is None:
        raise UnsupportedError(f"a Keras model must be Sequential or Functional, not {kind!r:.60}")
    if not layers:
        raise FileError(f"{_WHERE} must have at least one layer")
    names = [layer.name for layer in layers]
    if len(set(names)) < len(names):
        raise FileError(f"{_WHERE} must have a name of its own for each layer")
    for layer in layers:
        if layer.kind in _MODELS:
            raise layer.unsupported("a model inside a model is not read: put its layers in the outer one")
    built = config.get("build_input_shape") if isinstance(config, dict) else None
    return layers, _shape(layers[0].config, built)


def _layer(entry: dict[str, Any]) -> KerasLayer:
    # A class that Larq registers is "Larq>QuantDense".
    kind = str(entry["class_name"]).rpartition(">")[2]
    return KerasLayer(kind, str(entry["config"].get("name", entry.get("name"))), dict(entry["config"]))


def _sources(value: object) -> Iterator[str]:
    """The layers that a call of a layer reads, of ``inbound_nodes``.

    Keras 2 writes ``[name, node, tensor, arguments]`` for each tensor, and Keras 3 the arguments, whose tensors have a
    ``keras_history`` of ``[name, node, tensor]``.
    """
    if isinstance(value, dict):
        history = value.get("keras_history")
        for inner in (history,) if history is not None else value.values():
            yield from _sources(inner)
    elif isinstance(value, list):
        if len(value) >= 3 and isinstance(value[0], str) and all(type(v) is int for v in value[1:3]):
            yield value[0]
            value = value[3:]
        for inner in value:
            yield from _sources(inner)


def _chain(config: dict[str, Any]) -> list[KerasLayer]:
    """From the model's output back to its input; layers that the output does not depend on are left out."""
    entries = {str(entry["name"]): entry for entry in config["layers"]}
    for what in ("input", "output"):
        ends = list(_sources(config[f"{what}_layers"]))
        if len(ends) != 1:
            raise UnsupportedError(f"a Keras model must have one {what}, not {len(ends)}")
    first, current = (next(_sources(config[f"{what}_layers"])) for what in ("input", "output"))
    found: list[KerasLayer] = []
    while True:
        layer, calls = _layer(entries[current]), entries[current]["inbound_nodes"]
        if layer.name != current or len(found) == len(entries):
            raise ValueError
        if len(calls) > 1:
            raise layer.unsupported("it must be called once: a functional model must be a chain of layers")
        found.append(layer)
        if current == first:
            return found[::-1]
        sources = list(_sources(calls))
        if len(sources) != 1:
            raise layer.unsupported(
                f"it must have one input, not {len(sources)}: a functional model must be a chain of layers (branches "
                "are read from QONNX)"
            )
        (current,) = sources


def _shape(first: dict[str, Any], built: object) -> tuple[int, ...]:
    shape = first.get("batch_input_shape") or first.get("batch_shape") or built
    if (
        not isinstance(shape, list)
        or len(shape) not in (2, 3, 4)
        or not all(type(size) is int and 0 < size < 1 << 20 for size in shape[1:])
    ):
        raise FileError(
            f"{_WHERE} must have a first layer of a shape of (features), (length, channels) or (height, width, "
            f"channels), not {shape!r:.60}"
        )
    return (shape[-1], *shape[1:-1])
