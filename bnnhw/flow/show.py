"""What a network consists of, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from bnnhw.ir import Layer, Network, Output

__all__ = ["describe"]


def _row(layer: Layer | Output, residual: str | None, branch: str | None) -> dict[str, Any]:
    matrix = None
    vectors = 1
    if isinstance(layer, Layer):
        matrix, vectors = layer.matrix, layer.vectors
        # A layer that is a matrix takes and gives vectors.
        sizes = 1 if matrix is layer else 3
        shape_in, shape_out, element = layer.shape_in[:sizes], layer.shape_out[:sizes], layer.input.bits
        emitted = layer.output.bits
    else:
        shape_in = shape_out = (layer.classes,)
        element, emitted = None, None
    return {
        "name": layer.name,
        "kind": layer.label if isinstance(layer, Layer) else layer.kind,
        "inputs": math.prod(shape_in),
        "outputs": math.prod(shape_out),
        "input_shape": list(shape_in),
        "output_shape": list(shape_out),
        "weight_bits": 0 if matrix is None else len(matrix.weights),
        "input_bits": element,
        "activation_bits": emitted,
        "macs": 0 if matrix is None else vectors * matrix.synapses * matrix.neurons,
        "residual": residual,
        "branch": branch,
    }


def _rows(
    layers: tuple[Layer | Output, ...], residual: str | None = None, branch: str | None = None
) -> Iterator[dict[str, Any]]:
    """A residual layer comes before what is inside it."""
    for layer in layers:
        yield _row(layer, residual, branch)
        if isinstance(layer, Layer):
            for name, inside in zip(layer.branch_names, layer.branches, strict=True):
                yield from _rows(inside, layer.name, name)


def describe(network: Network) -> dict[str, Any]:
    """What ``show`` says of a network.

    ``inputs`` and ``outputs`` count elements per frame, ``input_shape`` and ``output_shape`` are (elements,) or
    (channels, height, width). ``weight_bits``, ``input_bits`` and ``activation_bits`` are those of one element;
    ``activation_bits`` is None for a last layer whose accumulators become scores. ``macs`` are
    multiplications per frame: positions x K x N. ``residual`` and ``branch`` say where a layer inside a residual layer
    is; it follows that layer.
    """
    layers = list(_rows(network.layers))
    last = network.chain[-1]
    if last.matrix is not None and last.activation is None:
        # The output stands behind it.
        layers[-2]["activation_bits"] = None
    return {
        "input": {
            "shape": list(network.input.shape),
            "type": str(network.input.dtype),
            "bits": network.input.dtype.bits,
            "elements": network.input.elements,
        },
        "layers": layers,
        "provenance": dict(network.provenance),
    }
