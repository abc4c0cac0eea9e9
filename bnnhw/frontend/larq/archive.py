"""Sequential Larq models as .npz files: read, and rewritten as the QONNX graph that they are.

A file is what this writes beside the trained model (Keras 2 or 3, channels last)::

    weights = {f"{layer.name}/{w.name.split('/')[-1].split(':')[0]}": w.numpy()
               for layer in model.layers for w in layer.weights}
    numpy.savez("model.npz", architecture=numpy.frombuffer(model.to_json().encode(), "uint8"), **weights,
                input_bits=8, input_scale=1 / 127.5, input_offset=-1.0)

- ``architecture``: the JSON of a ``Sequential``, as uint8;
- ``NAME/kernel`` (inputs, outputs) of ``QuantDense``, (height, width, inputs, outputs) of ``QuantConv2D``,
  ``NAME/bias``; ``NAME/gamma``, ``beta``, ``moving_mean`` and ``moving_variance`` of ``BatchNormalization``; float32;
- ``input_scale``, ``input_offset`` (float64): the network takes ``sample * input_scale + input_offset``, of whole
  samples of ``input_bits`` bits (int64, unsigned). Each may be left out: 1, 0 and 8.

Kernels are the latent weights; the quantizers are applied here. Larq's sign gives +1 for 0 (``larq.math.sign``), as
QONNX's ``BipolarQuant`` does. A layer's ``input_quantizer`` is what stands before it: without one, the first layer
takes the samples as they are, and any other is refused. ``pad_values`` pads as Larq does; ``same`` padding is
TensorFlow's. Arrays are read as numbers of the type and shape asked for; nothing is unpickled.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from typing import Any

from bnnhw.errors import FileError, UnsupportedError
from bnnhw.frontend.larq import ARCHITECTURE
from bnnhw.frontend.larq.layers import LarqGraph, LarqInput
from bnnhw.ir.members import Members

__all__ = ["to_qonnx"]


def to_qonnx(data: bytes) -> bytes:
    """The QONNX graph of a file's model: nodes are named after its layers; what it can't hold is refused by layer.

    Raises
    ------
    FileError
        The archive is damaged, or an array is missing, of another type or another shape.
    UnsupportedError
        A layer, or one of its options, is none that is known.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members, names = Members(archive), set(archive.namelist())
            layers = _layers(members)
            graph = LarqGraph(members, _shape(layers[0][2]), _input(members, names))
            for kind, name, config in layers:
                graph.layer(kind, name, config)
            members.finish()
            return graph.finish()
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, OverflowError):
        raise FileError("not a Larq model, or a damaged one: its archive can't be read") from None


def _layers(members: Members) -> list[tuple[str, str, dict[str, Any]]]:
    """Class, name and configuration of each layer."""
    text = members.take(ARCHITECTURE, "|u1", (None,)).tobytes()
    try:
        model = json.loads(text)
        kind, layers = model["class_name"], model["config"]
        layers = layers["layers"] if isinstance(layers, dict) else layers
        # A class that Larq registers is "Larq>QuantDense".
        found = [
            (str(entry["class_name"]).rpartition(">")[2], str(entry["config"]["name"]), dict(entry["config"]))
            for entry in layers
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise FileError(f"array {ARCHITECTURE!r} must be the JSON of a Keras model") from None
    if kind != "Sequential":
        raise UnsupportedError(f"a Keras model must be Sequential, not {kind!r:.60}")
    if not found:
        raise FileError(f"array {ARCHITECTURE!r} must have at least one layer")
    names = [name for _, name, _ in found]
    if len(set(names)) < len(names):
        raise FileError(f"array {ARCHITECTURE!r} must have a name of its own for each layer")
    return found


def _shape(first: dict[str, Any]) -> tuple[int, ...]:
    """Shape of a frame, as ONNX has it: (features,), or (channels, height, width)."""
    shape = first.get("batch_input_shape") or first.get("batch_shape")
    if (
        not isinstance(shape, list)
        or len(shape) not in (2, 4)
        or not all(type(size) is int and 0 < size < 1 << 20 for size in shape[1:])
    ):
        raise FileError(
            f"array {ARCHITECTURE!r} must have a first layer of a shape of (features) or (height, width, channels), "
            f"not {shape!r:.60}"
        )
    return (shape[1],) if len(shape) == 2 else (shape[3], shape[1], shape[2])


def _input(members: Members, names: set[str]) -> LarqInput:
    def take(name: str, dtype: str, default: float) -> float:
        return members.take(name, dtype, ()).item() if f"{name}.npy" in names else default

    bits, scale, offset = (
        take("input_bits", "<i8", 8), take("input_scale", "<f8", 1.0), take("input_offset", "<f8", 0.0)
    )  # fmt: skip
    if not 1 <= bits <= 8:
        raise FileError(f"array 'input_bits' must be 1 to 8, not {bits}")
    if not (math.isfinite(scale) and math.isfinite(offset) and scale > 0):
        raise FileError(
            f"arrays 'input_scale' and 'input_offset' must be finite, the first positive, not {scale} and {offset}"
        )
    return LarqInput(int(bits), scale, offset)
