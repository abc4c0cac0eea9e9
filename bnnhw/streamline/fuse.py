"""The pass that moves quantizers to the matrices whose accumulators they quantize.

Assumes: any network. Leaves: the same network, element for element, in which no floating-point
:class:`~bnnhw.ir.Quantize` follows a matrix layer without activation, a pool over such a layer, or an affine.

- Affine, quantizer: ``x -> multiplier * x + offset`` becomes the first steps of the quantizer's chain.
- Matrix (convolution or fully connected), quantizer: the chain becomes the matrix's activation. It is stated in
  accumulators there and in dot products here: ``acc = (dot - constant) / scale`` (:mod:`bnnhw.ir.arithmetic`).
- Matrix, pools, quantizer (XNOR-Net's block, which pools before its norm): every chain is monotone, so a level of the
  greatest accumulator is the greatest of the levels, or, in channels where the chain falls, the least: the quantizer
  moves before the pools, and their :attr:`~bnnhw.ir.MaxPool.minimum` turns over in those channels. Bits are
  pooled instead of sums, and a line of them is stored.
- Joined branches, quantizer: each branch has the quantizer of its channels, and what is joined is quantized.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnnhw.ir import Affine, Concat, Quantize
from bnnhw.ir.activation import FloatActivation
from bnnhw.ir.arithmetic import steps_on_dots
from bnnhw.ir.layer import Layer, follow
from bnnhw.ir.layers import Dense
from bnnhw.ir.network import Network
from bnnhw.ir.neurons import activation_of
from bnnhw.ir.steps import Scale, Shift, falling
from bnnhw.streamline.result import StreamlineResult

__all__ = ["fuse"]


def _with_affine(affine: Affine, quantize: Quantize, activation: FloatActivation) -> Quantize:
    steps = (Scale(affine.multiplier.astype(np.float64)), Shift(affine.offset.astype(np.float64)))
    return replace(quantize, input=affine.input, activation=replace(activation, steps=(*steps, *activation.steps)))


def _activation(layer: Dense, activation: FloatActivation) -> FloatActivation:
    """The activation of a matrix, from one that is stated in its accumulators."""
    return replace(activation, steps=steps_on_dots(layer, activation.steps))


def _fused(layers: list[Layer], activation: FloatActivation) -> bool:
    """Move a quantizer into the layers before it, in place; False if they take none."""
    place = len(layers) - 1
    while place >= 0 and layers[place].selects:
        place -= 1
    matrix = layers[place].matrix if place >= 0 else None
    if matrix is None or matrix.activation is not None:
        return False
    layers[place] = layers[place].with_activation(_activation(matrix, activation))
    turned = falling(activation.steps, activation.neurons)
    for index in range(place + 1, len(layers)):
        layers[index] = layers[index].with_input(activation.dtype).reversed_in(turned)
    return True


def _in_branches(join: Concat, quantize: Quantize, activation: FloatActivation) -> Concat | None:
    """The join of branches that end in the quantizers of their channels; None of lists made of maps."""
    ends = [follow(join.shape, join.input, branch) for branch in join.branches]
    if join.flat and any(shape[1:] != (1, 1) for shape, _ in ends):
        return None
    first = ends[0][0][0]
    places = np.arange(first), np.arange(first, join.shape_out[0])
    names = (f"{quantize.name}_{word}" for word in join.branch_names)
    branches = tuple(
        (*branch, Quantize(name, shape, dtype, activation_of(activation, part)))
        for branch, name, (shape, dtype), part in zip(join.branches, names, ends, places, strict=True)
    )
    return join.with_branches(tuple(map(_chain, branches)))


def _chain(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    found: list[Layer] = []
    for layer in layers:
        layer = layer.with_branches(tuple(map(_chain, layer.branches)))
        while isinstance(layer, Quantize) and isinstance(layer.activation, FloatActivation):
            if found and isinstance(affine := found[-1], Affine):
                found.pop()
                layer = _with_affine(affine, layer, layer.activation)
            elif _fused(found, layer.activation):
                break
            elif found and isinstance(join := found[-1], Concat):
                split = _in_branches(join, layer, layer.activation)
                found[-1:] = [join, layer] if split is None else [split]
                break
            else:
                found.append(layer)
                break
        else:
            found.append(layer)
    return tuple(found)


def fuse(network: Network) -> StreamlineResult:
    """Run the pass (contract and method: the module's docstring)."""
    return StreamlineResult(Network(network.input, (*_chain(network.chain), network.output), network.provenance))
