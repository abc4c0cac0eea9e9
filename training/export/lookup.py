"""Truth tables, of lists and at every position of maps, the unary code in front of them, and class sums."""

from __future__ import annotations

import numpy as np
import torch

from bnnhw.ir import DataType
from bnnhw.ir.layers.lookup import Lookup
from bnnhw.ir.layers.lookup_conv import LookupConv
from bnnhw.ir.window import Window
from bnnhw.qonnx.exporters import EXPORTERS
from bnnhw.qonnx.graph import Tensor
from bnnhw.training.export.moves import max_pool
from bnnhw.training.export.writer import Writer, exports, map_of
from bnnhw.training.gates import GateLayer
from bnnhw.training.lookup import ClassSums, LookupLayer, Unary
from bnnhw.training.lookup_conv import LookupConv2d

__all__: list[str] = []

BIT = DataType("bipolar", 1)


def _list(tensor: Tensor) -> int:
    """Elements of a list."""
    if len(tensor.shape) != 2:
        raise TypeError(f"module must come behind a Flatten, not before it, where a sample is {tensor.shape[1:]}")
    return tensor.shape[1]


def _tables(writer: Writer, module: LookupLayer | GateLayer, inputs: int) -> Lookup:
    """The layer that a module's tables and wiring are."""
    tables = (module.entries > 0).to(torch.uint8).cpu().numpy()
    return Lookup(f"{writer.prefix}_lookup", inputs, BIT, module.sources.int().cpu().numpy(), tables, BIT)


@exports(LookupLayer, GateLayer)
def _lookup(writer: Writer, module: LookupLayer | GateLayer, tensor: Tensor) -> Tensor:
    writer.layer += 1
    layer = _tables(writer, module, _list(tensor))
    return EXPORTERS.of(layer)(writer.graph, tensor, layer)


@exports(LookupConv2d)
def _lookup_conv(writer: Writer, module: LookupConv2d, tensor: Tensor) -> Tensor:
    writer.layer += 1
    window = Window(*map_of(tensor), module.kernel, module.stride, module.dilation, module.padding)
    layer = LookupConv(window, _tables(writer, module, module.inputs), int(module.padding_value > 0))
    found = EXPORTERS.of(layer)(writer.graph, tensor, layer)
    return found if module.pool is None else max_pool(writer, found, module.pool, module.pool)


@exports(Unary)
def _unary(writer: Writer, module: Unary, tensor: Tensor) -> Tensor:
    """A table of one element for each of its bits."""
    writer.layer += 1
    elements, bits = tensor.shape[1], module.levels - 1
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
    layer: Lookup | LookupConv = Lookup(f"{writer.prefix}_lookup", elements, dtype, sources, tables, BIT)
    if len(tensor.shape) > 2:
        layer = LookupConv(Window(*map_of(tensor), (1, 1)), layer)
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
