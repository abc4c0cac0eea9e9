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
- ``Flatten`` between both, channel-first.

``Quant`` and ``BipolarQuant`` are QONNX's (Pappalardo et al., "QONNX: Representing
Arbitrary-Precision Quantized Neural Networks", 2022); every other node is standard. Batch
normalization holds the float32 values that the evaluation model uses, so both are one function.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from bnnhw.ir import DataType
from bnnhw.ir.file import write_whole
from bnnhw.training.conv import BinaryConv2d, MaxPool, SignPool
from bnnhw.training.layers import (
    BatchNorm,
    BinaryActivation,
    BinaryLinear,
    SignedInput,
    ThresholdInput,
    UnsignedInput,
)

__all__ = ["QONNX_DOMAIN", "to_onnx", "write_onnx"]

QONNX_DOMAIN = "qonnx.custom_op.general"
_OPSET = 17
_IR_VERSION = 8
"""The ONNX file version that opset 17 came with: older readers accept it, newer ones too."""


class _Graph:
    """The nodes and initializers written so far; ``tensor`` names the one the next node reads."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.values: list[onnx.ValueInfoProto] = []
        self.shape = shape
        self.tensor = "input"
        self.layer = -1

    def constant(self, name: str, value: float | NDArray[np.float32] | NDArray[np.int64]) -> str:
        array = value if isinstance(value, np.ndarray) else np.asarray(value, np.float32)
        if not any(tensor.name == name for tensor in self.initializers):
            self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, name: str, inputs: list[str], domain: str = "", **attributes: Any) -> None:
        output = f"{name}_out"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=name, domain=domain, **attributes))
        self.values.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, *self.shape]))
        self.tensor = output

    def sign(self, name: str) -> None:
        self.node("BipolarQuant", name, [self.tensor, self.constant("one", 1.0)], QONNX_DOMAIN)

    def add(self, module: nn.Module) -> None:
        """Append the nodes of one module."""
        match module:
            case UnsignedInput():
                self._quant_input(module.dtype, 1.0)
            case SignedInput():
                self._quant_input(module.dtype, module.scale)
            case ThresholdInput():
                self.node("Sub", "input_shift", [self.tensor, self.constant("input_threshold", module.threshold)])
                self.sign("input_sign")
            case BinaryLinear():
                self._linear(module)
            case BinaryConv2d():
                self._conv(module)
            case BatchNorm():
                self._norm(module)
            case BinaryActivation():
                self.sign(f"layer{self.layer}_sign")
            case SignPool():
                self.sign(f"layer{self.layer}_sign")
                self._pool(module)
            case MaxPool():
                self._pool(module)
            case nn.Flatten():
                self.shape = (math.prod(self.shape),)
                self.node("Flatten", "flatten", [self.tensor], axis=1)
            case _:
                raise TypeError(f"module must be a layer that can be exported, not {type(module).__name__}")

    def _quant_input(self, dtype: DataType, scale: float) -> None:
        step = self.constant("one" if scale == 1 else "input_scale", scale)
        inputs = [self.tensor, step, self.constant("zero", 0.0), self.constant("input_bits", float(dtype.bits))]
        signed = int(dtype.kind == "int")
        self.node("Quant", "input_quant", inputs, QONNX_DOMAIN, signed=signed, narrow=0, rounding_mode="FLOOR")

    def _weights(self, weights: NDArray[np.float32]) -> str:
        """The tensor of a new layer's quantized weights."""
        self.layer += 1
        prefix = f"layer{self.layer}"
        name, output = f"{prefix}_weight_sign", f"{prefix}_weight_sign_out"
        inputs = [self.constant(f"{prefix}_weight", np.ascontiguousarray(weights)), self.constant("one", 1.0)]
        self.nodes.append(helper.make_node("BipolarQuant", inputs, [output], name=name, domain=QONNX_DOMAIN))
        self.values.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, list(weights.shape)))
        return output

    def _linear(self, module: BinaryLinear) -> None:
        weights = self._weights(_array(module.signs).T)
        self.shape = (module.latent.shape[0],)
        self.node("MatMul", f"layer{self.layer}_matmul", [self.tensor, weights])

    def _conv(self, module: BinaryConv2d) -> None:
        weights = self._weights(_array(module.signs))
        prefix = f"layer{self.layer}"
        channels, height, width = self.shape
        if any(module.padding):
            top, left, bottom, right = module.padding
            height, width = height + top + bottom, width + left + right
            self.shape = (channels, height, width)
            pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
            value = self.constant(f"{prefix}_pad_value", float(module.padding_value))
            inputs = [self.tensor, self.constant(f"{prefix}_pads", pads), value]
            self.node("Pad", f"{prefix}_pad", inputs, mode="constant")
        spans = [d * (k - 1) + 1 for d, k in zip(module.dilation, module.kernel, strict=True)]
        sizes = [(n - span) // s + 1 for n, span, s in zip((height, width), spans, module.stride, strict=True)]
        self.shape = (module.outputs, *sizes)
        self.node(
            "Conv",
            f"{prefix}_conv",
            [self.tensor, weights],
            kernel_shape=module.kernel,
            strides=module.stride,
            dilations=module.dilation,
            group=module.groups,
            pads=[0, 0, 0, 0],
        )

    def _pool(self, module: MaxPool) -> None:
        channels, *sizes = self.shape
        geometry = zip(sizes, module.kernel, module.stride, strict=True)
        self.shape = (channels, *((n - k) // s + 1 for n, k, s in geometry))
        name = f"layer{self.layer}_pool"
        self.node("MaxPool", name, [self.tensor], kernel_shape=module.kernel, strides=module.stride, pads=[0, 0, 0, 0])

    def _norm(self, module: BatchNorm) -> None:
        prefix = f"layer{self.layer}_norm"
        if float(np.float32(module.eps)) != module.eps:
            raise ValueError(f"eps must be exact in float32, not {module.eps!r}")
        # One value for all channels is written once for each: ONNX's operator knows no other form.
        inputs = [
            self.constant(f"{prefix}_{name}", np.ascontiguousarray(np.broadcast_to(_array(value), self.shape[0])))
            for name, value in module.inference().items()
        ]
        self.node("BatchNormalization", prefix, [self.tensor, *inputs], epsilon=module.eps)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    array = tensor.detach().cpu().numpy()
    if array.dtype != np.float32:
        raise ValueError(f"parameters must be float32, not {array.dtype}")
    return array


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
    graph = _Graph(shape)
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
