"""A trained model as ONNX in the QONNX dialect, written call by call of its ``forward``.

Any module is exported whose ``forward`` calls modules and functions that are registered here
(:data:`~bnnhw.training.export.writer.MODULES`, :data:`~bnnhw.training.export.writer.CALLS`). A module of one's own is
added by a function that writes its nodes, decorated with :func:`~bnnhw.training.export.writer.exports`.

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
- an activation of several bits is ``Quant(x, step, 0, bits)`` with ``rounding_mode="ROUND"``, unsigned; branches that
  are added are ``Add``, an average in one of them ``AveragePool``; what moves numbers is ``Flatten`` or ``Reshape``;
- XNOR-Net's alpha is the scale of the weights' ``BipolarQuant``, one value per output; ReActNet's shifts are ``Sub``
  and ``Add``, its slope ``PRelu``; weights under a fan-in limit are a constant of -1, 0 and +1 without quantizer; a
  thermometer is a depthwise ``Conv`` of 1 x 1 with weights of +1, ``Sub`` and ``BipolarQuant``;
- truth tables are ``Gather -> MatMul -> Add -> Cast -> Gather``, a unary code too, and class sums a ``MatMul`` with
  weights of 0 and 1, and a ``Div``.

``Quant`` and ``BipolarQuant`` are QONNX's (Pappalardo et al., "QONNX: Representing
Arbitrary-Precision Quantized Neural Networks", 2022); every other node is standard. Batch
normalization holds the float32 values that the evaluation model uses, so both are one function.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import onnx
from torch import nn

from bnnhw.qonnx.file import save_model
from bnnhw.qonnx.graph import Graph
from bnnhw.training.export import elementwise, lookup, matrix, moves
from bnnhw.training.export.walk import followed, write
from bnnhw.training.export.writer import CALLS, MODULES, exports, exports_call

__all__ = ["CALLS", "MODULES", "exports", "exports_call", "followed", "to_onnx", "write_onnx"]

FAMILIES = (elementwise, lookup, matrix, moves)
"""Where modules and calls are registered; an importer's own may stand anywhere."""

_OPSET = 17


def to_onnx(model: nn.Module, shape: tuple[int, ...], metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The ONNX model of a module whose ``forward`` calls modules that have an export.

    Parameters
    ----------
    model : torch.nn.Module
        Float32, ending in a :class:`~bnnhw.training.layers.BatchNorm`. Its ``forward`` may be any that calls the same
        layers for all samples, adds branches, and flattens or reshapes frames.
    shape : tuple of int
        Of one raw sample: ``(features,)`` or ``(channels, height, width)``.
    metadata : mapping of str to str
        Kept in the file's ``metadata_props``; the version of bnnhw is added as ``bnnhw``.

    Raises
    ------
    TypeError
        A module or a call has no export; names it.
    """
    graph = Graph("input", (1, *shape), "scores")
    facts = {**metadata, "bnnhw": version("bnnhw")}
    return graph.model(write(model, graph), metadata.get("recipe", "bnn"), _OPSET, facts, version("bnnhw"))


def write_onnx(model: onnx.ModelProto, path: Path) -> None:
    """Write a model whole or not at all; the same model gives the same bytes.

    Raises :class:`~bnnhw.errors.FileError` if it can't be written.
    """
    save_model(model, path)
