"""The places of a network where a width is a choice: its input, and every activation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir import (
    DataType,
    InputSpec,
    Layer,
    Network,
    Thresholds,
    walk,
)

__all__ = ["INPUT", "ActivationSite", "activation_sites", "with_widths"]

INPUT = "input"
"""Name of the site that is the network's input; a layer of that name keeps it and the input becomes ``input (2)``."""


@dataclass(frozen=True)
class ActivationSite:
    """A stream whose elements have a width that training can choose.

    Parameters
    ----------
    name : str
        Name of the layer whose thresholds make the elements, or that of the input.
    kind : str
        ``"input"``, or the kind of the layer: ``"dense"``, ``"conv"``, ``"quantize"``.
    dtype : DataType
        Type of an element as it is.
    elements : int
        Per frame.
    position : int
        Index among ``network.chain`` of the layer that it lies in, -1 for the input. An activation inside a branch has
        that of the outermost layer around it.
    """

    name: str
    kind: str
    dtype: DataType
    elements: int
    position: int


def _activation(layer: Layer) -> Thresholds | None:
    """The thresholds of a layer, if it has some."""
    return layer.activation if isinstance(layer.activation, Thresholds) else None


def activation_sites(network: Network) -> tuple[ActivationSite, ...]:
    """The input, then every activation, in the order of :func:`bnnhw.ir.layer.walk`.

    Raises
    ------
    NetworkError
        The network is not streamlined.
    """
    if not network.streamlined:
        raise NetworkError("only a streamlined network can be analysed: run the streamlining passes first")
    names = {layer.name for layer in walk(network.layers)}
    name, number = INPUT, 1
    while name in names:
        number += 1
        name = f"{INPUT} ({number})"
    found = [ActivationSite(name, "input", network.input.dtype, network.input.elements, -1)]
    for position, top in enumerate(network.chain):
        for layer in walk((top,)):
            activation = _activation(layer)
            if activation is not None:
                elements = math.prod(layer.shape_out)
                found.append(ActivationSite(layer.name, layer.kind, activation.dtype, elements, position))
    return tuple(found)


def _typed(old: DataType, bits: int) -> DataType:
    """The type of so many bits: what it is if that is its width, bipolar for one bit, unsigned otherwise."""
    return old if bits == old.bits else DataType("bipolar", 1) if bits == 1 else DataType("uint", bits)


def _spread(old: Thresholds, bits: int, low: int, high: int) -> Thresholds:
    """Thresholds of a width, evenly over an accumulator's range where the width is another."""
    if bits == old.dtype.bits:
        # What comes before may have become narrower.
        return Thresholds(old.values.clip(low, high + 1), old.dtype)
    dtype = _typed(old.dtype, bits)
    row = low + (high + 1 - low) * np.arange(1, dtype.levels, dtype=np.int64) // dtype.levels
    return Thresholds(np.broadcast_to(row, (old.neurons, len(row))), dtype)


def with_widths(network: Network, widths: Mapping[str, int]) -> Network:
    """A network of the same shape whose activations have other widths: for its cost, not for its results.

    Weights stay; where a width changes, thresholds are spread evenly over the accumulator's range. Costs and cycles
    depend on their number alone.

    Parameters
    ----------
    network : Network
        Streamlined.
    widths : mapping of str to int
        Bits, 1 to 8, by name of the site; sites that are not named stay as they are.

    Raises
    ------
    NetworkError
        A width is out of range, a name is none of a site, or an element between layers would be too wide.
    """
    sites = activation_sites(network)
    unknown = sorted(widths.keys() - {site.name for site in sites})
    if unknown:
        raise NetworkError(f"widths must be those of activations, not of {', '.join(unknown)}")
    for name, bits in widths.items():
        if not 1 <= bits <= 8:
            raise NetworkError(f"layer {name}: an activation must have 1 to 8 bits, not {bits}")
    spec = network.input
    if sites[0].name in widths and widths[sites[0].name] != spec.dtype.bits:
        spec = InputSpec(spec.shape, _typed(spec.dtype, widths[sites[0].name]))
    return Network(spec, (*_chain(network.chain, spec.dtype, widths), network.output), network.provenance)


def _chain(layers: tuple[Layer, ...], dtype: DataType, widths: Mapping[str, int]) -> tuple[Layer, ...]:
    """Layers that take elements of a type, which may be another than before."""
    found: list[Layer] = []
    for layer in layers:
        layer = _retyped(layer, dtype, widths)
        found.append(layer)
        dtype = layer.output
    return tuple(found)


def _retyped(layer: Layer, dtype: DataType, widths: Mapping[str, int]) -> Layer:
    if layer.branches:
        layer = layer.with_branches(tuple(_chain(branch, dtype, widths) for branch in layer.branches), dtype)
    old = _activation(layer)
    if old is None:
        return layer.with_input(dtype)
    low, high = dtype.minimum, dtype.maximum
    if layer.matrix is not None:
        low, high = layer.matrix.with_activation(None).with_input(dtype).accumulator_range
    return layer.with_input(dtype, _spread(old, widths.get(layer.name, old.dtype.bits), low, high))


def levels(dtype: DataType, codes: NDArray[np.unsignedinteger]) -> NDArray[np.int64]:
    """The levels of codes, 0 for the least value: the inverse of :meth:`DataType.codes`."""
    code = codes.astype(np.int64)
    return (code + dtype.levels // 2) % dtype.levels if dtype.kind == "int" else code
