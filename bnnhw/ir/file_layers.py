"""How the network file (:mod:`bnnhw.ir.file`) holds layers: an object in its header, and arrays named after its place.

The place of a layer is its position, ``3``; inside a residual layer it goes on: ``3.body.0``, ``3.shortcut.1``. Arrays
of the layer at PLACE: ``PLACE.weights.PLANE`` (packed bits, rows x ceil(columns / 8)), ``PLACE.thresholds`` (rows x
levels), ``PLACE.minimum`` (0 or 1 a channel), ``PLACE.multiplier`` and ``PLACE.offset``; those of floating-point steps
are listed in :mod:`bnnhw.ir.file_steps`. Whatever is described here is checked when it is read: sizes before anything
of that size is allocated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from bnnhw.errors import FileError, NetworkError
from bnnhw.ir.activation import Activation, FloatActivation, Thresholds, batch_norm_sign
from bnnhw.ir.bits import BitMatrix
from bnnhw.ir.file_steps import (
    Arrays,
    Take,
    describe_activation,
    describe_steps,
    read_activation,
    read_norm,
    read_steps,
)
from bnnhw.ir.layer import Layer
from bnnhw.ir.layers import Affine, Conv2d, Dense, MaxPool, Output, Quantize, Residual, SumPool, WeightPlane
from bnnhw.ir.layers.residual import MAX_DEPTH
from bnnhw.ir.types import DataType
from bnnhw.ir.window import Window

__all__ = ["LayerReader", "describe_layers", "field"]

KINDS = ("dense", "conv", "max_pool", "sum_pool", "quantize", "affine", "residual", "output")
"""The words for ``kind`` in the header."""

MAX_LAYERS = 10_000
"""Most layers of a network, those inside residual layers included: far above any real network's."""


# Writing


def describe_layers(layers: Iterable[Layer | Output], prefix: str, arrays: Arrays) -> list[dict[str, Any]]:
    """The header's entries of a chain whose places begin with ``prefix``; the arrays go into ``arrays``."""
    return [_describe_layer(layer, f"{prefix}{i}", arrays) for i, layer in enumerate(layers)]


def _describe_layer(layer: Layer | Output, place: str, arrays: Arrays) -> dict[str, Any]:
    match layer:
        case Dense():
            return {"kind": "dense", **_describe_dense(layer, place, arrays)}
        case Conv2d():
            return {
                "kind": "conv",
                **_describe_dense(layer.dense, place, arrays),
                "window": _describe_window(layer.window),
                "padding_code": int(layer.padding_code),
                "depthwise": bool(layer.depthwise),
            }
        case Output():
            arrays[f"{place}.multiplier"] = layer.multiplier.astype("<i8")
            arrays[f"{place}.offset"] = layer.offset.astype("<i8")
            steps = describe_steps(layer.steps, place, arrays)
            return {"kind": "output", "name": layer.name, "classes": layer.classes, "steps": steps}
        case MaxPool() | SumPool() | Quantize() | Affine() | Residual():
            pass
        case _:
            raise NotImplementedError(type(layer).__name__)
    entry: dict[str, Any] = {"name": layer.name, "input": str(layer.input)}
    match layer:
        case MaxPool():
            arrays[f"{place}.minimum"] = layer.minimum.astype("|u1")
            return {"kind": "max_pool", **entry, "window": _describe_window(layer.window)}
        case SumPool():
            return {"kind": "sum_pool", **entry, "window": _describe_window(layer.window)}
    entry["shape"] = [int(size) for size in layer.shape]
    match layer:
        case Quantize():
            return {"kind": "quantize", **entry, "activation": _describe_activation(layer.activation, place, arrays)}
        case Affine():
            arrays[f"{place}.multiplier"] = layer.multiplier.astype("<i8")
            arrays[f"{place}.offset"] = layer.offset.astype("<i8")
            return {"kind": "affine", **entry}
        case Residual():
            return {
                "kind": "residual",
                **entry,
                "body": describe_layers(layer.body, f"{place}.body.", arrays),
                "shortcut": describe_layers(layer.shortcut, f"{place}.shortcut.", arrays),
            }


def _describe_dense(layer: Dense, place: str, arrays: Arrays) -> dict[str, Any]:
    for i, plane in enumerate(layer.weights):
        packed = np.frombuffer(plane.bits.data, np.uint8)
        arrays[f"{place}.weights.{i}"] = packed.reshape(layer.neurons, plane.bits.stride)
    return {
        "name": layer.name,
        "input": str(layer.input),
        "neurons": layer.neurons,
        "synapses": layer.synapses,
        "coefficients": [int(plane.coefficient) for plane in layer.weights],
        "activation": _describe_activation(layer.activation, place, arrays),
    }


def _describe_activation(activation: Activation | None, place: str, arrays: Arrays) -> dict[str, Any] | None:
    if isinstance(activation, FloatActivation):
        return describe_activation(activation, place, arrays)
    if activation is None:
        return None
    arrays[f"{place}.thresholds"] = activation.values.astype("<i8")
    return {"kind": "thresholds", "dtype": str(activation.dtype)}


def _describe_window(window: Window) -> dict[str, Any]:
    return {
        "channels": int(window.channels),
        "height": int(window.height),
        "width": int(window.width),
        **{key: [int(size) for size in getattr(window, key)] for key in _PAIRS},
    }


_PAIRS = {"kernel": 2, "stride": 2, "dilation": 2, "padding": 4}
"""Lists of a window, and their lengths."""


# Reading


def field(where: str, mapping: Any, key: str, kind: type) -> Any:
    """One entry of the header, checked for its type (a bool is no int here)."""
    if not isinstance(mapping, dict) or key not in mapping:
        raise FileError(f"header: {where} must have {key!r}")
    value = mapping[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise FileError(f"header: {where}: {key!r} must be of type {kind.__name__}, not {value!r:.60}")
    return value


def _size(where: str, mapping: Any, key: str) -> int:
    value = field(where, mapping, key, int)
    if not 1 <= value < 1 << 31:
        raise FileError(f"header: {where}: {key!r} must be in 1..2**31 - 1, not {value!r:.60}")
    return value


def _sizes(where: str, mapping: Any, key: str, length: int, least: int) -> tuple[int, ...]:
    value = field(where, mapping, key, list)
    if len(value) != length or any(type(size) is not int or not least <= size < 1 << 31 for size in value):
        raise FileError(
            f"header: {where}: {key!r} must be a list of {length} integers in {least}..2**31 - 1, not {value!r:.60}"
        )
    return tuple(value)


def _shape(where: str, spec: dict[str, Any]) -> tuple[int, int, int]:
    channels, height, width = _sizes(where, spec, "shape", 3, 1)
    return channels, height, width


def _read_window(where: str, spec: dict[str, Any]) -> Window:
    entry = field(where, spec, "window", dict)
    sizes = [_size(where, entry, key) for key in ("channels", "height", "width")]
    pairs = {key: _sizes(where, entry, key, length, int(key != "padding")) for key, length in _PAIRS.items()}
    try:
        return Window(*sizes, **pairs)  # type: ignore[arg-type]
    except NetworkError as error:
        raise FileError(f"header: {where}: {error}") from None


class LayerReader:
    """Reads the layers of one network.

    Parameters
    ----------
    take
        Gives an array by name, checked for its type and shape.
    """

    def __init__(self, take: Take) -> None:
        self._take = take
        self._count = 0

    def layers(self, entries: list[Any], prefix: str = "", depth: int = 0) -> tuple[Any, ...]:
        """The inverse of :func:`describe_layers`, ``depth`` residual layers down."""
        self._count += len(entries)
        if self._count > MAX_LAYERS:
            raise FileError(f"header: a network must have at most {MAX_LAYERS} layers")
        return tuple(self._layer(entry, f"{prefix}{i}", depth) for i, entry in enumerate(entries))

    def _layer(self, spec: Any, place: str, depth: int) -> Layer | Output:
        where = f"layer {place}"
        kind, name = field(where, spec, "kind", str), field(where, spec, "name", str)
        if not re.fullmatch(r"[^\x00-\x1f\x7f]{1,200}", name):
            raise FileError(f"header: {where}: 'name' must be 1 to 200 printable characters, not {name!r:.60}")
        if kind not in KINDS:
            raise FileError(f"header: {where}: 'kind' must be one of {', '.join(KINDS)}, not {kind!r:.60}")
        if kind == "output":
            return self._output(where, name, spec, place)
        dtype = DataType.parse(field(where, spec, "input", str))
        match kind:
            case "dense":
                return self._dense(where, name, dtype, spec, place)
            case "conv":
                window = _read_window(where, spec)
                code, depthwise = field(where, spec, "padding_code", int), field(where, spec, "depthwise", bool)
                return Conv2d(window, self._dense(where, name, dtype, spec, place), code, depthwise)
            case "max_pool":
                window = _read_window(where, spec)
                minimum = self._take(f"{place}.minimum", "|u1", (window.channels,))
                if (minimum > 1).any():
                    raise FileError(f"array {f'{place}.minimum'!r} must be of 0 and 1")
                return MaxPool(name, window, dtype, minimum.astype(np.bool_))
            case "sum_pool":
                return SumPool(name, _read_window(where, spec), dtype)
        shape = _shape(where, spec)
        match kind:
            case "quantize":
                activation = self._activation(where, field(where, spec, "activation", dict), place, shape[0])
                assert activation is not None
                return Quantize(name, shape, dtype, activation)
            case "affine":
                multiplier, offset = (
                    self._take(f"{place}.{key}", "<i8", shape[:1]) for key in ("multiplier", "offset")
                )
                return Affine(name, shape, dtype, multiplier, offset)
        if depth == MAX_DEPTH:
            raise FileError(f"header: {where}: residual layers must nest at most {MAX_DEPTH} deep")
        body, shortcut = (
            self.layers(field(where, spec, key, list), f"{place}.{key}.", depth + 1) for key in ("body", "shortcut")
        )
        return Residual(name, shape, dtype, body, shortcut)

    def _output(self, where: str, name: str, spec: dict[str, Any], place: str) -> Output:
        classes = _size(where, spec, "classes")
        multiplier = self._take(f"{place}.multiplier", "<i8", (classes,))
        offset = self._take(f"{place}.offset", "<i8", (classes,))
        # Version 1 had a batch norm or null in the place of steps.
        if spec.get("norm") is not None:
            norm = field(where, spec, "norm", dict)
            return Output(name, multiplier, offset, (read_norm(where, norm, self._take, place, classes),))
        steps = read_steps(where, spec.get("steps", []), self._take, place, classes)
        return Output(name, multiplier, offset, steps)

    def _dense(self, where: str, name: str, dtype: DataType, spec: dict[str, Any], place: str) -> Dense:
        neurons, synapses = _size(where, spec, "neurons"), _size(where, spec, "synapses")
        planes = []
        for i, coefficient in enumerate(field(where, spec, "coefficients", list)):
            if type(coefficient) is not int or abs(coefficient) >= 1 << 31:
                raise FileError(f"header: {where}: coefficients must be integers below 2**31, not {coefficient!r:.60}")
            packed = self._take(f"{place}.weights.{i}", "|u1", (neurons, -(-synapses // 8)))
            planes.append(WeightPlane(coefficient, BitMatrix(neurons, synapses, packed.tobytes())))
        return Dense(name, dtype, tuple(planes), self._activation(where, spec.get("activation"), place, neurons))

    def _activation(self, where: str, spec: Any, place: str, neurons: int) -> Activation | None:
        if spec is None:
            return None
        kind = field(where, spec, "kind", str)
        if kind == "batch_norm_sign":
            return batch_norm_sign(read_norm(where, spec, self._take, place, neurons))
        if kind == "float":
            return read_activation(where, spec, self._take, place, neurons)
        if kind != "thresholds":
            raise FileError(f"header: {where}: activation must be thresholds or float, not {kind!r:.60}")
        dtype = DataType.parse(field(where, spec, "dtype", str))
        return Thresholds(self._take(f"{place}.thresholds", "<i8", (neurons, dtype.levels - 1)), dtype)
