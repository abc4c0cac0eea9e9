"""A trained model as ONNX in the QONNX dialect, built node by node.

The graph takes raw samples ``input`` (1, features) or (1, channels, height, width) and gives ``scores``
(1, classes), all float32:

- ``Quant(x, scale, 0, bits)`` with ``rounding_mode="FLOOR"`` for an unsigned input (scale 1) or a signed
  one, or ``Sub(x, threshold) -> BipolarQuant`` for a binarized one;
- for each fully connected layer ``MatMul(x, BipolarQuant(W, 1)) -> BatchNormalization -> BipolarQuant``, W
  being (inputs, outputs) of -1 and +1; the last layer ends at its ``BatchNormalization``;
- for each convolution ``Pad(x, -1 or +1) -> Conv(x, BipolarQuant(W, 1)) -> BatchNormalization ->
  BipolarQuant``, W being (outputs, inputs / group, height, width) and ``Conv`` itself padding nothing: it
  could pad with 0 only. ``MaxPool`` follows the sign or the convolution. A signal has height 1;
- ``Flatten`` between both, channel-first;
- an activation of several bits is ``Quant(x, step, 0, bits)`` with ``rounding_mode="ROUND"``, unsigned; a shortcut is
  ``Add``, its average ``AveragePool``;
- XNOR-Net's alpha is the scale of the weights' ``BipolarQuant``, one value an output; ReActNet's shifts are ``Sub`` and
  ``Add``, its slope ``PRelu``; weights under a fan-in limit are a constant of -1, 0 and +1 without quantizer; a
  thermometer is a depthwise ``Conv`` of 1 x 1 with weights of +1, ``Sub`` and ``BipolarQuant``.

``Quant`` and ``BipolarQuant`` are QONNX's (Pappalardo et al., "QONNX: Representing
Arbitrary-Precision Quantized Neural Networks", 2022); every other node is standard. Batch
normalization holds the float32 values that the evaluation model uses, so both are one function.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import onnx
from onnx import TensorProto, helper
from torch import nn

from bnnhw.files import write_whole
from bnnhw.training.onnx_graph import QONNX_DOMAIN, GraphWriter

__all__ = ["QONNX_DOMAIN", "to_onnx", "write_onnx"]

_OPSET = 17
_IR_VERSION = 8
"""The ONNX file version that opset 17 came with: older readers accept it, newer ones too."""


def to_onnx(model: nn.Sequential, shape: tuple[int, ...], metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The ONNX model of a chain of the modules in :mod:`bnnhw.training.layers`.

    Parameters
    ----------
    model : torch.nn.Sequential
        Float32, ending in a :class:`~bnnhw.training.layers.BatchNorm`.
    shape : tuple of int
        Of one raw sample: ``(features,)`` or ``(channels, height, width)``.
    metadata : mapping of str to str
        Kept in the file's ``metadata_props``; the version of bnnhw is added as ``bnnhw``.

    Raises
    ------
    TypeError
        A module has no export.
    """
    graph = GraphWriter(shape)
    for module in model:
        graph.add(module)
    # The graph's end is named for what it is, not for the node that happens to be last.
    graph.nodes[-1].output[0] = "scores"
    proto = helper.make_graph(
        graph.nodes,
        metadata.get("recipe", "bnn"),
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *shape])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, *graph.shape])],
        initializer=graph.initializers,
        value_info=graph.values[:-1],
    )
    result = helper.make_model(
        proto,
        opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(QONNX_DOMAIN, 1)],
        ir_version=_IR_VERSION,
        producer_name="bnnhw",
        producer_version=version("bnnhw"),
    )
    helper.set_model_props(result, {**metadata, "bnnhw": version("bnnhw")})
    return result


def write_onnx(model: onnx.ModelProto, path: Path) -> None:
    """Write a model whole or not at all; the same model gives the same bytes.

    Raises :class:`~bnnhw.errors.FileError` if it can't be written.
    """
    write_whole(path, model.SerializeToString(deterministic=True))
