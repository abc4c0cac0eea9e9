"""Larq models as .npz files: read, and rewritten as the QONNX graph that they are.

A file is what this writes beside the trained model (channels last)::

    weights = {f"{layer.name}/{w.name.split('/')[-1].split(':')[0]}": w.numpy()
               for layer in model.layers for w in layer.weights}
    numpy.savez("model.npz", architecture=numpy.frombuffer(model.to_json().encode(), "uint8"), **weights,
                input_bits=8, input_scale=1 / 127.5, input_offset=-1.0)

- ``architecture``: the JSON of a ``Sequential``, or of a functional model that is a chain, as uint8;
- ``NAME/kernel`` (inputs, outputs) of ``QuantDense``, (height, width, inputs, outputs) of ``QuantConv2D``, (length,
  inputs, outputs) of ``QuantConv1D``; ``NAME/depthwise_kernel`` (height, width, inputs, multiplier) and
  ``NAME/pointwise_kernel`` (1, 1, inputs, outputs); ``NAME/bias``; ``NAME/gamma``, ``beta``, ``moving_mean`` and
  ``moving_variance`` of ``BatchNormalization``; ``NAME/alpha`` of ``PReLU``; all float32;
- ``input_scale``, ``input_offset`` (float64): the network takes ``sample * input_scale + input_offset``, of whole
  samples of ``input_bits`` bits (int64, unsigned). Each may be left out: 1, 0 and 8.

Kernels are the latent weights; the quantizers are applied here. Larq's sign gives +1 for 0 (``larq.math.sign``), as
QONNX's ``BipolarQuant`` does. A layer's ``input_quantizer`` is what stands before it: without one, the first layer
takes the samples as they are, and any other is refused. ``pad_values`` pads as Larq does; ``same`` padding is
TensorFlow's. Arrays are read as numbers of the type and shape asked for; nothing is unpickled.
"""

from __future__ import annotations

import io
import math
import zipfile

from bnnhw.errors import FileError
from bnnhw.frontend.larq import ARCHITECTURE
from bnnhw.frontend.larq.architecture import read_architecture
from bnnhw.frontend.larq.graph import LarqGraph, LarqInput
from bnnhw.frontend.larq.layers import add_layer
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
            layers, shape = read_architecture(members.take(ARCHITECTURE, "|u1", (None,)).tobytes())
            graph = LarqGraph(members, shape, _input(members, names))
            for layer in layers:
                add_layer(graph, layer)
            members.finish()
            return graph.finish()
    except (zipfile.BadZipFile, RuntimeError, EOFError, OSError, OverflowError):
        raise FileError("not a Larq model, or a damaged one: its archive can't be read") from None


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
