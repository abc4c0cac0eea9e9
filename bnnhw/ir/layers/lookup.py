"""Neurons that are truth tables of a few inputs each.

The address
-----------
Neuron ``n`` reads the elements ``sources[n, 0], sources[n, 1], ...`` of its input in stream order. Bit ``b`` of the
code of source ``j`` is bit ``j * bits + b`` of an address, ``bits`` those of an input element, and what the neuron
emits is the code ``tables[n, address]``. Which elements are read is part of what is learned, or drawn at random
(LogicNets, Umuroglu et al., 2020; differentiable weightless networks, Bacellar et al., 2024; networks of logic gates,
Petersen et al., 2022).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.activation import Activation
from bnnhw.ir.codec import CODECS, Codec, LayerReader, LayerWriter
from bnnhw.ir.layer import Layer, Shape
from bnnhw.ir.types import MAX_PLANES, DataType

__all__ = ["MAX_ADDRESS", "Lookup", "describe_lookup", "read_lookup"]

MAX_ADDRESS = 8
"""Most input bits of a neuron: a table of 256 entries, 16 LUT4 and a multiplexer."""


@dataclass(frozen=True, eq=False)
class Lookup(Layer):
    """A layer of truth tables.

    Parameters
    ----------
    name : str
    inputs : int
        Elements that come in: a list, or a map in stream order.
    input : DataType
    sources : int32 array (neurons, fan-in)
        Which elements each neuron reads; the first is the lowest in its address.
    tables : uint8 array (neurons, 2 ** (fan-in * bits of an input element))
        Codes of what is emitted.
    emits : DataType
        Type of what is emitted, of at most 8 bits.

    Raises
    ------
    NetworkError
        A neuron has no input bits or more than :data:`MAX_ADDRESS`, a source is no input, or a table does not fit.
    """

    kind: ClassVar[str] = "lookup"

    name: str
    inputs: int
    input: DataType
    sources: NDArray[np.int32]
    tables: NDArray[np.uint8]
    emits: DataType

    def __post_init__(self) -> None:
        sources, tables = np.array(self.sources), np.array(self.tables)
        if self.inputs < 1:
            raise NetworkError(f"layer {self.name}: must have inputs, not {self.inputs}")
        if sources.ndim != 2 or 0 in sources.shape or sources.dtype.kind not in "iu":
            raise NetworkError(
                f"layer {self.name}: sources must be integers (neurons, fan-in), not {sources.dtype} of {sources.shape}"
            )
        bits = sources.shape[1] * self.input.bits
        if bits > MAX_ADDRESS:
            raise NetworkError(
                f"layer {self.name}: a neuron must have at most {MAX_ADDRESS} input bits, not {bits}: "
                f"{sources.shape[1]} elements of {self.input}"
            )
        wrong = np.argwhere((sources < 0) | (sources >= self.inputs))
        if len(wrong):
            neuron, place = wrong[0].tolist()
            raise NetworkError(
                f"layer {self.name}: sources must be in 0..{self.inputs - 1}, not {sources[neuron, place]} "
                f"as of neuron {neuron}"
            )
        if self.emits.bits > MAX_PLANES:
            raise NetworkError(f"layer {self.name}: must emit at most {MAX_PLANES} bits, not {self.emits.bits}")
        if tables.dtype.kind not in "iu" or tables.shape != (len(sources), 1 << bits):
            raise NetworkError(
                f"layer {self.name}: tables must be integers ({len(sources)}, {1 << bits}), not {tables.dtype} of "
                f"{tables.shape}"
            )
        if tables.min() < 0 or tables.max() >= self.emits.levels:
            raise NetworkError(
                f"layer {self.name}: tables must hold codes in 0..{self.emits.levels - 1}, not "
                f"{tables.min()}..{tables.max()}"
            )
        for name, array in (("sources", sources.astype(np.int32)), ("tables", tables.astype(np.uint8))):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def neurons(self) -> int:
        return len(self.sources)

    @property
    def fan_in(self) -> int:
        """Elements that a neuron reads."""
        return self.sources.shape[1]

    @property
    def address_bits(self) -> int:
        """Input bits of a neuron."""
        return self.fan_in * self.input.bits

    @property
    def output(self) -> DataType:
        return self.emits

    @property
    def shape_in(self) -> Shape:
        return (self.inputs, 1, 1)

    @property
    def shape_out(self) -> Shape:
        return (self.neurons, 1, 1)

    def takes(self, shape: Shape) -> bool:
        """Whether a map has as many elements as the layer has inputs: it is flattened in stream order."""
        return math.prod(shape) == self.inputs

    def mismatch(self, shape: Shape) -> str:
        return f"must take {math.prod(shape)} inputs, not {self.inputs}"

    def with_input(self, dtype: DataType, activation: Activation | None = None) -> Lookup:
        """The same function of the values that both types have; of another value, that of the nearest one."""
        if dtype == self.input:
            return self.with_activation(activation)
        if self.fan_in * dtype.bits > MAX_ADDRESS:
            return replace(self, input=dtype)  # Refused there.
        held = self.input.values(np.arange(self.input.levels))
        wanted = dtype.values(np.arange(dtype.levels))
        nearest = np.abs(wanted[:, None] - held).argmin(axis=1)
        address = np.arange(1 << (self.fan_in * dtype.bits))
        before = np.zeros_like(address)
        for place in range(self.fan_in):
            code = address >> (place * dtype.bits) & (dtype.levels - 1)
            before |= nearest[code] << (place * self.input.bits)
        return replace(self, input=dtype, tables=self.tables[:, before]).with_activation(activation)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Lookup):
            return NotImplemented
        mine, its = ((one.name, one.inputs, one.input, one.emits) for one in (self, other))
        return mine == its and np.array_equal(self.sources, other.sources) and np.array_equal(self.tables, other.tables)

    __hash__ = None  # type: ignore[assignment]


def describe_lookup(layer: Lookup, out: LayerWriter) -> dict[str, Any]:
    """The tables in the header; the arrays ``sources`` and ``tables``."""
    out.array("sources", layer.sources, "<i4")
    out.array("tables", layer.tables, "|u1")
    return {"inputs": layer.inputs, "neurons": layer.neurons, "fan_in": layer.fan_in, "emits": str(layer.emits)}


def read_lookup(entry: LayerReader) -> Lookup:
    """The inverse of :func:`describe_lookup`."""
    dtype, inputs, neurons, fan_in = entry.input, entry.size("inputs"), entry.size("neurons"), entry.size("fan_in")
    if fan_in * dtype.bits > MAX_ADDRESS:
        raise entry.error(f"a neuron must have at most {MAX_ADDRESS} input bits, not {fan_in * dtype.bits}")
    sources = entry.array("sources", "<i4", (neurons, fan_in))
    tables = entry.array("tables", "|u1", (neurons, 1 << (fan_in * dtype.bits)))
    return Lookup(entry.name, inputs, dtype, sources, tables, DataType.parse(entry.field("emits", str)))


CODECS.add(Lookup, Codec(describe_lookup, read_lookup))
