"""A network in torch's float32, which C is timed against: elements are numbers, maps have their channels first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from bnnhw.ir import Affine, Conv2d, DataType, Dense, Layer, MaxPool, Network, Quantize, Residual, SumPool, Thresholds
from bnnhw.ir.arithmetic import dot_affine, weight_values

__all__ = ["float32_network"]

Module = Callable[[torch.Tensor], torch.Tensor]


def _tensor(array: Any) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def _levels(thresholds: Thresholds, rows: Any) -> Module:
    """Numbers (frames, channels, ...) -> values of their levels, by rows of thresholds (channels, levels)."""
    columns = [_tensor(column) for column in np.asarray(rows).T]
    dtype = thresholds.dtype
    step = 2 if dtype.kind == "bipolar" else 1

    def activate(x: torch.Tensor) -> torch.Tensor:
        shape = (1, -1) + (1,) * (x.dim() - 2)
        level = (x >= columns[0].view(shape)).to(torch.float32)
        for column in columns[1:]:
            level += x >= column.view(shape)
        return level * step + dtype.minimum

    return activate


def _end(dense: Dense) -> Module:
    """Dot products -> what the layer emits."""
    affine = dot_affine(dense)
    if isinstance(dense.activation, Thresholds):
        return _levels(dense.activation, affine.scale * dense.activation.values + affine.constants[:, None])
    constants = _tensor(affine.constants)
    return lambda x: (x - constants.view((1, -1) + (1,) * (x.dim() - 2))) / affine.scale


def _dense(layer: Dense) -> Module:
    end = _end(layer)
    weights = _tensor(weight_values(layer))

    def run(x: torch.Tensor) -> torch.Tensor:
        # Weights are in stream order, channels fastest.
        flat = x.permute(0, 2, 3, 1).flatten(1) if x.dim() == 4 else x
        return end(functional.linear(flat, weights))

    return run


def _conv(layer: Conv2d) -> Module:
    window, end = layer.window, _end(layer.dense)
    channels = 1 if layer.depthwise else window.channels
    values = weight_values(layer.dense).reshape(layer.dense.neurons, *window.kernel, channels).transpose(0, 3, 1, 2)
    weights, groups = _tensor(values), window.channels if layer.depthwise else 1
    top, left, bottom, right = window.padding
    fill = float(layer.input.values(np.array(layer.padding_code)))

    def run(x: torch.Tensor) -> torch.Tensor:
        if any(window.padding):
            x = functional.pad(x, (left, right, top, bottom), value=fill)
        return end(functional.conv2d(x, weights, None, window.stride, 0, window.dilation, groups))

    return run


def _max_pool(layer: MaxPool) -> Module:
    window = layer.window
    assert not any(window.padding)
    sign = _tensor(np.where(layer.minimum, -1, 1)).view(1, -1, 1, 1)
    turned = bool(layer.minimum.any())

    def run(x: torch.Tensor) -> torch.Tensor:
        x = functional.max_pool2d(x * sign if turned else x, window.kernel, window.stride, 0, window.dilation)
        return x * sign if turned else x

    return run


def _sum_pool(layer: SumPool) -> Module:
    window = layer.window
    assert not any(window.padding)
    bits = layer.input.kind == "bipolar"
    return lambda x: window.area * functional.avg_pool2d((x + 1) / 2 if bits else x, window.kernel, window.stride)


def _quantize(layer: Quantize) -> Module:
    assert isinstance(layer.activation, Thresholds)
    return _levels(layer.activation, layer.activation.values)


def _affine(layer: Affine) -> Module:
    multiplier, offset = (_tensor(array).view(1, -1, 1, 1) for array in (layer.multiplier, layer.offset))
    return lambda x: x * multiplier + offset


def _residual(layer: Residual) -> Module:
    body, shortcut = (_chain(branch) for branch in layer.branches)
    return lambda x: body(x) + shortcut(x)


_KINDS: dict[str, Callable[[Any], Module]] = {
    "dense": _dense,
    "conv": _conv,
    "max_pool": _max_pool,
    "sum_pool": _sum_pool,
    "quantize": _quantize,
    "affine": _affine,
    "residual": _residual,
}


def _chain(layers: tuple[Layer, ...]) -> Module:
    modules = [_KINDS[layer.kind](layer) for layer in layers]

    def run(x: torch.Tensor) -> torch.Tensor:
        for module in modules:
            x = module(x)
        return x

    return run


def float32_network(network: Network) -> tuple[Callable[[Any], torch.Tensor], Module]:
    """What turns codes (frames, elements) into a tensor, and what turns that into what the last layer emits."""
    channels, height, width = network.input.map
    dtype: DataType = network.input.dtype

    def values(codes: Any) -> torch.Tensor:
        numbers = dtype.values(codes).reshape(len(codes), height, width, channels).transpose(0, 3, 1, 2)
        return _tensor(numbers)

    return values, _chain(network.chain)
