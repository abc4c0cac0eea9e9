"""Truth tables, the unary code in front of them, and class sums."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from bnnhw.ir import DataType
from bnnhw.ir.layers.lookup import Lookup
from bnnhw.qonnx.exporters import EXPORTERS
from bnnhw.qonnx.graph import Tensor
from bnnhw.training.export.writer import Writer, exports
from bnnhw.training.gates import GateLayer
from bnnhw.training.lookup import ClassSums, LookupLayer, Unary

__all__: list[str] = []

BIT = DataType("bipolar", 1)


def _list(tensor: Tensor) -> int:
    """Elements of a list."""
    if len(tensor.shape) != 2:
        raise TypeError(f"module must come behind a Flatten, not before it, where a sample is {tensor.shape[1:]}")
    return tensor.shape[1]


def _tables(writer: Writer, tensor: Tensor, sources: NDArray[np.int32], tables: NDArray[np.uint8]) -> Tensor:
    """A layer of tables of bits, as :mod:`bnnhw.qonnx.layers.lookup` writes it."""
    layer = Lookup(f"{writer.prefix}_lookup", _list(tensor), BIT, sources, tables, BIT)
    return EXPORTERS.of(layer)(writer.graph, tensor, layer)


@exports(LookupLayer, GateLayer)
def _lookup(writer: Writer, module: LookupLayer | GateLayer, tensor: Tensor) -> Tensor:
    writer.layer += 1
    tables = (module.entries > 0).to(torch.uint8).cpu().numpy()
    return _tables(writer, tensor, module.sources.int().cpu().numpy(), tables)


@exports(Unary)
def _unary(writer: Writer, module: Unary, tensor: Tensor) -> Tensor:
    """A table of one element for each of its bits."""
    writer.layer += 1
    elements, bits = _list(tensor), module.levels - 1
    # Levels count from 0 as codes of an unsigned type do; the numbers are the elements' own.
    dtype = DataType("uint", bits.bit_length())
    sources = np.repeat(np.arange(elements, dtype=np.int32), bits)[:, None]
    level = np.arange(dtype.levels)
    tables = np.tile(level[None, :] > np.arange(bits)[:, None], (elements, 1)).astype(np.uint8)
    name = f"{writer.prefix}_level"
    if module.minimum:
        tensor = writer.graph.node("Sub", f"{name}_from_0", tensor, writer.number(f"{name}_0", module.minimum))
    if module.size != 1:
        tensor = writer.graph.node("Div", f"{name}_steps", tensor, writer.number(f"{name}_step", module.size))
    layer = Lookup(f"{writer.prefix}_lookup", elements, dtype, sources, tables, BIT)
    return EXPORTERS.of(layer)(writer.graph, tensor, layer)


@exports(ClassSums)
def _class_sums(writer: Writer, module: ClassSums, tensor: Tensor) -> Tensor:
    """A product with weights of 0 and 1."""
    writer.layer += 1
    width = module.inputs // module.classes
    weights = np.repeat(np.eye(module.classes, dtype=np.float32), width, axis=0)
    constant = writer.graph.constant(f"{writer.prefix}_weight", weights)
    shape = (tensor.shape[0], module.classes)
    tensor = writer.graph.node("MatMul", f"{writer.prefix}_matmul", tensor, constant, shape=shape)
    temperature = writer.number(f"{writer.prefix}_temperature", module.temperature)
    return writer.graph.node("Div", f"{writer.prefix}_cooled", tensor, temperature)
