"""What a network consists of, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from bnnhw.ir import InputSpec, Layer, Network, Output
from bnnhw.ir.input_spec import LAYOUTS

__all__ = ["describe", "input_lines"]


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


def _thresholds(spec: InputSpec) -> dict[str, Any] | None:
    """How raw samples become elements; None where they are elements."""
    if spec.thresholds is None:
        return None
    finite = spec.table[np.isfinite(spec.table)]
    return {
        "per": spec.per,
        "rows": len(spec.rows),
        "levels": spec.dtype.levels - 1,
        "range": [float(finite.min()), float(finite.max())] if len(finite) else None,
        "falling": sum(spec.falling),
    }


def describe(network: Network) -> dict[str, Any]:
    """What ``show`` says of a network.

    ``inputs`` and ``outputs`` count elements per frame, ``input_shape`` and ``output_shape`` are (elements,) or
    (channels, height, width). ``weight_bits``, ``input_bits`` and ``activation_bits`` are those of one element;
    ``activation_bits`` is None for a last layer whose accumulators become scores. ``macs`` are
    multiplications per frame: positions x K x N. ``residual``
    and ``branch`` say where a layer inside a residual layer is; it follows that layer.

    Of the input, ``sample_shape`` is that of a raw sample, whose axes are channels, height and width in the order of
    ``layout``. ``thresholds`` is None where raw samples are integers of the type themselves; else ``rows`` rows of
    ``levels`` thresholds, one row ``per`` "input" (the same for all elements), "channel" or "element", the finite ones
    in ``range``, None if there are none; in ``falling`` of the rows the level falls where the sample rises.
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
            "sample_shape": list(network.input.sample_shape),
            "layout": network.input.layout,
            "thresholds": _thresholds(network.input),
        },
        "layers": layers,
        "provenance": dict(network.provenance),
    }


def input_lines(described: dict[str, Any]) -> list[str]:
    """What ``show`` says of a network's input, as lines; ``described`` is the part ``input`` of :func:`describe`."""
    lines = [f"input {_sizes(described['shape'])}, {described['type']}"]
    if described["sample_shape"] != described["shape"] or described["layout"] != LAYOUTS[0]:
        lines.append(f"samples {_sizes(described['sample_shape'])}, layout {described['layout']}")
    found = described["thresholds"]
    if found is None:
        lines.append(f"samples are {described['type']} themselves, without thresholds")
        return lines
    rows = "one row for all elements" if found["per"] == "input" else f"one row per {found['per']}"
    many = "" if found["rows"] == 1 else f", {found['rows']} rows"
    between = "none of them finite" if found["range"] is None else "from {:g} to {:g}".format(*found["range"])
    falls = f", {found['falling']} of them falling" if found["falling"] else ""
    lines.append(f"thresholds {found['levels']}, {rows}{many}{falls}, {between}")
    return lines


def _sizes(shape: list[int]) -> str:
    return " x ".join(map(str, shape))
