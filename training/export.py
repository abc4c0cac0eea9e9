"""A trained model as ONNX in the QONNX dialect, built node by node.

The graph takes raw samples ``input`` (1, features) and gives ``scores`` (1, classes), all float32:

- ``Quant(x, 1, 0, bits)`` with ``rounding_mode="FLOOR"`` for an unsigned input, or
  ``Sub(x, threshold) -> BipolarQuant`` for a binarized one;
- for each layer ``MatMul(x, BipolarQuant(W, 1)) -> BatchNormalization -> BipolarQuant``, W being
  (inputs, outputs) of -1 and +1; the last layer ends at its ``BatchNormalization``.

``Quant`` and ``BipolarQuant`` are QONNX's (Pappalardo et al., "QONNX: Representing
Arbitrary-Precision Quantized Neural Networks", 2022); every other node is standard. Batch
normalization holds the float32 values that the evaluation model uses, so both are one function.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from bnnhw.ir.file import write_whole
from bnnhw.training.layers import BatchNorm, BinaryActivation, BinaryLinear, ThresholdInput, UnsignedInput

__all__ = ["QONNX_DOMAIN", "to_onnx", "write_onnx"]

QONNX_DOMAIN = "qonnx.custom_op.general"
_OPSET = 17
_IR_VERSION = 8
"""The ONNX file version that opset 17 came with: older readers accept it, newer ones too."""


class _Graph:
    """The nodes and initializers written so far; ``tensor`` names the one the next node reads."""

    def __init__(self, features: int) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.values: list[onnx.ValueInfoProto] = []
        self.features = features
        self.tensor = "input"
        self.layer = -1

    def constant(self, name: str, value: float | NDArray[np.float32]) -> str:
        array = np.asarray(value, np.float32)
        if not any(tensor.name == name for tensor in self.initializers):
            self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, name: str, inputs: list[str], domain: str = "", **attributes: Any) -> None:
        output = f"{name}_out"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=name, domain=domain, **attributes))
        self.values.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, self.features]))
        self.tensor = output

    def sign(self, name: str) -> None:
        self.node("BipolarQuant", name, [self.tensor, self.constant("one", 1.0)], QONNX_DOMAIN)

    def add(self, module: nn.Module) -> None:
        """Append the nodes of one module."""
        match module:
            case UnsignedInput():
                self._unsigned_input(module)
            case ThresholdInput():
                self.node("Sub", "input_shift", [self.tensor, self.constant("input_threshold", module.threshold)])
                self.sign("input_sign")
            case BinaryLinear():
                self._linear(module)
            case BatchNorm():
                self._norm(module)
            case BinaryActivation():
                self.sign(f"layer{self.layer}_sign")
            case _:
                raise TypeError(f"module must be a layer that can be exported, not {type(module).__name__}")

    def _unsigned_input(self, module: UnsignedInput) -> None:
        bits = self.constant("input_bits", float(module.dtype.bits))
        inputs = [self.tensor, self.constant("one", 1.0), self.constant("zero", 0.0), bits]
        self.node("Quant", "input_quant", inputs, QONNX_DOMAIN, signed=0, narrow=0, rounding_mode="FLOOR")

    def _linear(self, module: BinaryLinear) -> None:
        self.layer += 1
        prefix = f"layer{self.layer}"
        weights = np.ascontiguousarray(_array(module.signs).T)
        name, output = f"{prefix}_weight_sign", f"{prefix}_weight_sign_out"
        inputs = [self.constant(f"{prefix}_weight", weights), self.constant("one", 1.0)]
        self.nodes.append(helper.make_node("BipolarQuant", inputs, [output], name=name, domain=QONNX_DOMAIN))
        self.values.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, list(weights.shape)))
        self.features = weights.shape[1]
        self.node("MatMul", f"{prefix}_matmul", [self.tensor, output])

    def _norm(self, module: BatchNorm) -> None:
        prefix = f"layer{self.layer}_norm"
        if float(np.float32(module.eps)) != module.eps:
            raise ValueError(f"eps must be exact in float32, not {module.eps!r}")
        assert module.running_mean is not None and module.running_var is not None
        parameters = {
            "gamma": module.weight,
            "beta": module.bias,
            "mean": module.running_mean,
            "var": module.running_var,
        }
        # One value for all channels is written once for each: ONNX's operator knows no other form.
        inputs = [
            self.constant(f"{prefix}_{name}", np.ascontiguousarray(np.broadcast_to(_array(value), self.features)))
            for name, value in parameters.items()
        ]
        self.node("BatchNormalization", prefix, [self.tensor, *inputs], epsilon=module.eps)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    array = tensor.detach().cpu().numpy()
    if array.dtype != np.float32:
        raise ValueError(f"parameters must be float32, not {array.dtype}")
    return array


def to_onnx(model: nn.Sequential, features: int, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The ONNX model of a chain of the modules in :mod:`bnnhw.training.layers`.

    Parameters
    ----------
    model : torch.nn.Sequential
        Float32, ending in a :class:`~bnnhw.training.layers.BatchNorm`.
    features : int
        Elements of one raw sample.
    metadata : mapping of str to str
        Kept in the file's ``metadata_props``; the version of bnnhw is added as ``bnnhw``.

    Raises
    ------
    TypeError
        A module has no export.
    """
    graph = _Graph(features)
    for module in model:
        graph.add(module)
    # The graph's end is named for what it is, not for the node that happens to be last.
    graph.nodes[-1].output[0] = "scores"
    proto = helper.make_graph(
        graph.nodes,
        metadata.get("recipe", "bnn"),
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, features])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, graph.features])],
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
