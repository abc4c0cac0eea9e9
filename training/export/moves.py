"""Pools, sums of branches, and what moves numbers without changing them."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from bnnhw.qonnx.graph import Tensor
from bnnhw.training.conv import MaxPool, SignPool, pair
from bnnhw.training.export.writer import Writer, exports, exports_call, map_of

__all__ = ["BATCH", "max_pool"]

BATCH = object()
"""What a ``forward`` learns of the number of frames."""


def max_pool(writer: Writer, tensor: Tensor, kernel: tuple[int, int], stride: tuple[int, int]) -> Tensor:
    """The greatest element under a window without padding."""
    channels, *sizes = map_of(tensor)
    shape = (tensor.shape[0], channels, *((n - k) // s + 1 for n, k, s in zip(sizes, kernel, stride, strict=True)))
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": stride, "pads": [0, 0, 0, 0]}
    return writer.graph.node("MaxPool", f"{writer.prefix}_pool", tensor, shape=shape, attributes=attributes)


@exports(MaxPool)
def _pool(writer: Writer, module: MaxPool, tensor: Tensor) -> Tensor:
    return max_pool(writer, tensor, module.kernel, module.stride)


@exports(SignPool)
def _sign_pool(writer: Writer, module: SignPool, tensor: Tensor) -> Tensor:
    return _pool(writer, module, writer.sign(f"{writer.prefix}_sign", tensor))


@exports_call(nn.functional.avg_pool2d)
def _average(
    writer: Writer,
    tensor: Tensor,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,  # noqa: ARG001 - of PyTorch's function, and nothing without padding
    divisor_override: int | None = None,
) -> Tensor:
    if any(pair(padding)) or ceil_mode or divisor_override is not None:
        raise TypeError("avg_pool2d must have no padding, no ceil_mode and no divisor_override to be exported")
    kernel = pair(kernel_size)
    strides = kernel if not stride else pair(stride)
    channels, *sizes = map_of(tensor)
    geometry = zip(sizes, kernel, strides, strict=True)
    shape = (tensor.shape[0], channels, *((n - k) // s + 1 for n, k, s in geometry))
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": strides, "pads": [0, 0, 0, 0]}
    return writer.graph.node("AveragePool", f"{writer.prefix}_shortcut", tensor, shape=shape, attributes=attributes)


def _branches(writer: Writer, kind: str, name: str, first: Any, second: Any) -> Tensor:
    if not (isinstance(first, Tensor) and isinstance(second, Tensor)) or first.shape != second.shape:
        what = " and ".join(
            f"a tensor of {value.shape[1:]}" if isinstance(value, Tensor) else repr(value) for value in (first, second)
        )
        raise TypeError(
            f"{name} must be of two tensors of one shape to be exported, not of {what}: numbers that are added belong "
            "into a BatchNorm"
        )
    return writer.graph.node(kind, f"{writer.prefix}_{name}", first, second)


@exports_call(operator.add, operator.iadd, torch.add, "add")
def _add(writer: Writer, first: Any, second: Any) -> Tensor:
    """The sum of two branches of one stream."""
    return _branches(writer, "Add", "add", first, second)


@exports_call(operator.sub, operator.isub, torch.sub, "sub")
def _sub(writer: Writer, first: Any, second: Any) -> Tensor:
    return _branches(writer, "Sub", "sub", first, second)


def _flat(writer: Writer, tensor: Tensor) -> Tensor:
    """All elements of a frame as a list."""
    shape = (tensor.shape[0], math.prod(tensor.shape[1:]))
    return writer.graph.node("Flatten", "flatten", tensor, shape=shape, axis=1)


def _reshaped(writer: Writer, tensor: Tensor, sizes: Sequence[int]) -> Tensor:
    """A frame in other dimensions, its elements in the same order."""
    if len(sizes) == 1:
        return _flat(writer, tensor)
    # 0 is the batch, whatever it is.
    target = writer.graph.constant("reshape_target", np.array([0, *sizes], np.int64))
    return writer.graph.node("Reshape", "reshape", tensor, target, shape=(tensor.shape[0], *sizes))


@exports_call(torch.flatten, "flatten")
def _flatten(writer: Writer, tensor: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    rank = len(tensor.shape)
    start, end = start_dim % rank, end_dim % rank
    if not 1 <= start <= end:
        raise TypeError(f"flatten must begin behind the frames to be exported: flatten(1), not flatten({start_dim})")
    sizes = tensor.shape[1:]
    return _reshaped(writer, tensor, (*sizes[: start - 1], math.prod(sizes[start - 1 : end]), *sizes[end:]))


@exports(nn.Flatten)
def _flatten_module(writer: Writer, module: nn.Flatten, tensor: Tensor) -> Tensor:
    return _flatten(writer, tensor, module.start_dim, module.end_dim)


@exports_call(torch.reshape, "reshape", "view")
def _reshape(writer: Writer, tensor: Tensor, *shape: Any) -> Tensor:
    target = list(shape[0] if len(shape) == 1 and isinstance(shape[0], Sequence) else shape)
    size = math.prod(tensor.shape[1:])
    batch, *sizes = target or [None]
    known = [n for n in sizes if isinstance(n, int)]
    if batch is BATCH and known.count(-1) == 1 and 0 not in known:
        sizes = [size // -math.prod(known) if n == -1 else n for n in sizes]
    whole = all(isinstance(n, int) and n > 0 for n in sizes)
    if batch not in (BATCH, -1) or not sizes or not whole or math.prod(sizes) != size:
        shown = ", ".join("frames" if n is BATCH else str(n) for n in target)
        raise TypeError(
            f"view and reshape must keep the frames first, and {size} elements of each, to be exported, not "
            f"({shown}): give x.shape[0] or -1 for the frames"
        )
    return _reshaped(writer, tensor, sizes)


@exports_call("size")
def _size(_writer: Writer, tensor: Tensor, dim: int | None = None) -> Any:
    sizes = (BATCH, *tensor.shape[1:])
    return sizes if dim is None else sizes[dim]


@exports_call(getattr)
def _attribute(writer: Writer, tensor: Any, name: str) -> Any:
    if not isinstance(tensor, Tensor) or name != "shape":
        raise TypeError(f"forward must ask a tensor for its shape alone to be exported, not for {name!r}")
    return _size(writer, tensor)


@exports_call(operator.getitem)
def _item(_writer: Writer, values: Any, index: Any) -> Any:
    if isinstance(values, Tensor):
        raise TypeError("a tensor must not be indexed to be exported")
    return values[index]


@exports_call(operator.mul)
def _product(_writer: Writer, first: Any, second: Any) -> int:
    """The product of two sizes."""
    if not (isinstance(first, int) and isinstance(second, int)):
        raise TypeError("factors must be those of a BatchNorm to be exported: a tensor is not multiplied")
    return first * second


@exports_call("contiguous")
def _same(_writer: Writer, tensor: Tensor) -> Tensor:
    return tensor


@exports(nn.Identity, nn.Dropout)
def _identity(_writer: Writer, _module: nn.Module, tensor: Tensor) -> Tensor:
    """Its input, as in evaluation."""
    return tensor
