"""Modules with binary weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from bnnhw.qonnx.graph import Tensor
from bnnhw.training.conv import BinaryConv2d
from bnnhw.training.export.writer import Writer, array_of, exports, map_of
from bnnhw.training.fan_in import FanInLinear
from bnnhw.training.layers import BinaryLayer, BinaryLinear
from bnnhw.training.scaling import InputScaledConv2d, ScaledLayer
from bnnhw.training.thermometer import Thermometer

__all__: list[str] = []


def _weights(writer: Writer, module: BinaryLayer) -> Tensor | str:
    """The quantized weights of a new layer; of a matrix transposed, (inputs, outputs)."""
    writer.layer += 1
    weights = array_of(module.signs)
    weights = weights.T if weights.ndim == 2 else weights
    weight = writer.graph.constant(f"{writer.prefix}_weight", weights)
    if isinstance(module, FanInLinear):
        # -1, 0 and +1 already, and no quantizer of QONNX gives just these three of any numbers.
        return weight
    scale = writer.number("one", 1.0)
    if isinstance(module, ScaledLayer):
        shape = (1, -1) if weights.ndim == 2 else (-1, 1, 1, 1)
        scale = writer.graph.constant(f"{writer.prefix}_weight_scale", array_of(module.alpha).reshape(shape))
    return _weight_sign(writer, weight, scale, weights.shape)


def _weight_sign(writer: Writer, weight: str, scale: str, shape: tuple[int, ...]) -> Tensor:
    return writer.graph.node("BipolarQuant", f"{writer.prefix}_weight_sign", weight, scale, shape=shape)


@exports(BinaryLinear)
def _linear(writer: Writer, module: BinaryLinear, tensor: Tensor) -> Tensor:
    if len(tensor.shape) != 2:
        raise TypeError(f"module must come behind a Flatten, not before it, where a sample is {tensor.shape[1:]}")
    weights = _weights(writer, module)
    shape = (tensor.shape[0], module.latent.shape[0])
    return writer.graph.node("MatMul", f"{writer.prefix}_matmul", tensor, weights, shape=shape)


@exports(InputScaledConv2d)
def _input_scaled(_writer: Writer, _module: InputScaledConv2d, _tensor: Tensor) -> NoReturn:
    raise TypeError(
        "InputScaledConv2d has no export: its input scale K differs from frame to frame; train with ScaledConv2d"
    )


@exports(BinaryConv2d)
def _conv(writer: Writer, module: BinaryConv2d, tensor: Tensor) -> Tensor:
    weights = _weights(writer, module)
    channels, height, width = map_of(tensor)
    if any(module.padding):
        top, left, bottom, right = module.padding
        height, width = height + top + bottom, width + left + right
        value = writer.number(f"{writer.prefix}_pad_value", float(module.padding_value))
        pads = writer.graph.constant(
            f"{writer.prefix}_pads", np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
        )
        shape = (tensor.shape[0], channels, height, width)
        tensor = writer.graph.node("Pad", f"{writer.prefix}_pad", tensor, pads, value, shape=shape, mode="constant")
    spans = [d * (k - 1) + 1 for d, k in zip(module.dilation, module.kernel, strict=True)]
    sizes = [(n - span) // s + 1 for n, span, s in zip((height, width), spans, module.stride, strict=True)]
    outputs = (tensor.shape[0], module.outputs, *sizes)
    return _conv_node(writer, tensor, weights, outputs, module.kernel, module.stride, module.dilation, module.groups)


def _conv_node(
    writer: Writer,
    tensor: Tensor,
    weights: Tensor | str,
    shape: tuple[int, ...],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    return writer.graph.node(
        "Conv",
        f"{writer.prefix}_conv",
        tensor,
        weights,
        shape=shape,
        kernel_shape=kernel,
        strides=stride,
        dilations=dilation,
        group=groups,
        pads=[0, 0, 0, 0],
    )


@exports(Thermometer)
def _thermometer(writer: Writer, module: Thermometer, tensor: Tensor) -> Tensor:
    """A depthwise 1 x 1 convolution with weights of +1, and a threshold for each of its outputs."""
    writer.layer += 1
    channels, height, width = map_of(tensor)
    outputs = channels * module.levels
    kernel = (outputs, 1, 1, 1)
    weight = writer.graph.constant(f"{writer.prefix}_weight", np.ones(kernel, np.float32))
    signs = _weight_sign(writer, weight, writer.number("one", 1.0), kernel)
    shape, one = (tensor.shape[0], outputs, height, width), (1, 1)
    tensor = _conv_node(writer, tensor, signs, shape, one, one, one, channels)
    thresholds = writer.channels(f"{writer.prefix}_thresholds", module.thresholds.flatten(), tensor)
    tensor = writer.graph.node("Sub", f"{writer.prefix}_shift", tensor, thresholds)
    return writer.sign(f"{writer.prefix}_sign", tensor)
