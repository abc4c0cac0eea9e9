"""The nodes of an exported model, written one module at a time; :mod:`bnnhw.training.export` says which."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from bnnhw.ir import DataType
from bnnhw.training.conv import BinaryConv2d, MaxPool, SignPool
from bnnhw.training.fan_in import FanInLinear
from bnnhw.training.layers import (
    BatchNorm,
    BinaryActivation,
    BinaryLayer,
    BinaryLinear,
    IntegerInput,
    ThresholdInput,
)
from bnnhw.training.quantize import QuantActivation
from bnnhw.training.react import RPReLU, RSign
from bnnhw.training.scaling import InputScaledConv2d, ScaledLayer
from bnnhw.training.shortcut import Shortcut
from bnnhw.training.thermometer import Thermometer

__all__ = ["QONNX_DOMAIN", "GraphWriter"]

QONNX_DOMAIN = "qonnx.custom_op.general"


class GraphWriter:
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

    def _map(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        if len(self.shape) != 3:
            raise TypeError(f"module must come before a Flatten, not behind it, where a sample is {self.shape}")
        channels, height, width = self.shape
        return channels, height, width

    def sign(self, name: str) -> None:
        self.node("BipolarQuant", name, [self.tensor, self.constant("one", 1.0)], QONNX_DOMAIN)

    def add(self, module: nn.Module) -> None:
        """Append the nodes of one module."""
        match module:
            case IntegerInput():
                self._quant_input(module.dtype, module.scale)
            case ThresholdInput():
                self.node("Sub", "input_shift", [self.tensor, self.constant("input_threshold", module.threshold)])
                self.sign("input_sign")
            case InputScaledConv2d():
                raise TypeError(
                    "InputScaledConv2d has no export: its input scale K differs from frame to frame; "
                    "train with ScaledConv2d"
                )
            case Thermometer():
                self._thermometer(module)
            case BinaryLinear():
                self._linear(module)
            case BinaryConv2d():
                self._conv(module)
            case BatchNorm():
                self._norm(module)
            case RPReLU():
                self._rprelu(module)
            case Shortcut():
                self._shortcut(module)
            case QuantActivation():
                self._quant(f"layer{self.layer}_sign", module)
            case BinaryActivation():
                if isinstance(module, RSign):
                    name = f"layer{self.layer}_sign_shift"
                    self.node("Sub", name, [self.tensor, self._channels(f"{name}_value", module.shift)])
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
        bits = self.constant("input_bits", float(dtype.bits))
        step = self.constant("one" if scale == 1 else "input_scale", scale)
        inputs = [self.tensor, step, self.constant("zero", 0.0), bits]
        signed = int(dtype.kind == "int")
        self.node("Quant", "input_quant", inputs, QONNX_DOMAIN, signed=signed, narrow=0, rounding_mode="FLOOR")

    def _quant(self, name: str, module: QuantActivation) -> None:
        step = self.constant("one" if module.step == 1 else f"step_{module.bits}", module.step)
        inputs = [self.tensor, step, self.constant("zero", 0.0), self.constant(f"bits_{module.bits}", module.bits)]
        self.node("Quant", name, inputs, QONNX_DOMAIN, signed=0, narrow=0, rounding_mode="ROUND")

    def _shortcut(self, module: Shortcut) -> None:
        start, shape = self.tensor, self.shape
        for part in module.body:
            self.add(part)
        prefix, end, result = f"layer{self.layer}", self.tensor, self.shape
        if module.pooled:
            self.tensor, self.shape = start, (shape[0], *result[1:])
            geometry: dict[str, Any] = {"kernel_shape": module.stride, "strides": module.stride}
            self.node("AveragePool", f"{prefix}_shortcut", [start], **geometry, pads=[0, 0, 0, 0])
            start = self.tensor
        self.shape = result
        self.node("Add", f"{prefix}_add", [end, start])

    def _channels(self, name: str, values: Tensor) -> str:
        """One value a channel, to be broadcast over the positions of a map."""
        return self.constant(name, _array(values).reshape(1, -1, *[1] * (len(self.shape) - 1)))

    def _weights(self, module: BinaryLayer) -> str:
        """The tensor of a new layer's quantized weights; of a matrix transposed, (inputs, outputs)."""
        self.layer += 1
        prefix = f"layer{self.layer}"
        weights = _array(module.signs)
        weights = weights.T if weights.ndim == 2 else weights
        weight = self.constant(f"{prefix}_weight", np.ascontiguousarray(weights))
        if isinstance(module, FanInLinear):
            # -1, 0 and +1 already, and no quantizer of QONNX gives just these three of any numbers.
            return weight
        scale = self.constant("one", 1.0)
        if isinstance(module, ScaledLayer):
            shape = (1, -1) if weights.ndim == 2 else (-1, 1, 1, 1)
            scale = self.constant(f"{prefix}_weight_scale", _array(module.alpha).reshape(shape))
        return self._weight_sign(weight, scale, weights.shape)

    def _weight_sign(self, weight: str, scale: str, shape: tuple[int, ...]) -> str:
        name = f"layer{self.layer}_weight_sign"
        output = f"{name}_out"
        inputs = [weight, scale]
        self.nodes.append(helper.make_node("BipolarQuant", inputs, [output], name=name, domain=QONNX_DOMAIN))
        self.values.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, list(shape)))
        return output

    def _linear(self, module: BinaryLinear) -> None:
        weights = self._weights(module)
        self.shape = (module.latent.shape[0],)
        self.node("MatMul", f"layer{self.layer}_matmul", [self.tensor, weights])

    def _conv(self, module: BinaryConv2d) -> None:
        weights = self._weights(module)
        prefix = f"layer{self.layer}"
        channels, height, width = self._map()
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

    def _thermometer(self, module: Thermometer) -> None:
        """A depthwise 1 x 1 convolution with weights of +1, and a threshold for each of its outputs."""
        self.layer += 1
        prefix = f"layer{self.layer}"
        channels, height, width = self._map()
        self.shape = (channels * module.levels, height, width)
        shape = (self.shape[0], 1, 1, 1)
        weight = self.constant(f"{prefix}_weight", np.ones(shape, np.float32))
        signs = self._weight_sign(weight, self.constant("one", 1.0), shape)
        geometry: dict[str, Any] = {"kernel_shape": (1, 1), "strides": (1, 1), "dilations": (1, 1)}
        inputs = [self.tensor, signs]
        self.node("Conv", f"{prefix}_conv", inputs, **geometry, group=channels, pads=[0, 0, 0, 0])
        thresholds = self._channels(f"{prefix}_thresholds", module.thresholds.flatten())
        self.node("Sub", f"{prefix}_shift", [self.tensor, thresholds])
        self.sign(f"{prefix}_sign")

    def _rprelu(self, module: RPReLU) -> None:
        prefix = f"layer{self.layer}_rprelu"
        self.node("Sub", f"{prefix}_in", [self.tensor, self._channels(f"{prefix}_shift_in", module.shift_in)])
        # PRelu's slope broadcasts to its input from behind, without the batch.
        slope = _array(module.slope).reshape(-1, *[1] * (len(self.shape) - 1))
        self.node("PRelu", prefix, [self.tensor, self.constant(f"{prefix}_slope", slope)])
        self.node("Add", f"{prefix}_out", [self.tensor, self._channels(f"{prefix}_shift_out", module.shift_out)])

    def _pool(self, module: MaxPool) -> None:
        channels, *sizes = self._map()
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
