"""``bnnhw show``: a table of the layers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.ir import Layer, Network, Output

__all__ = ["describe", "show"]


def _kind(layer: Layer | Output) -> str:
    from bnnhw.ir import Conv2d

    if isinstance(layer, Conv2d):
        return "depthwise" if layer.depthwise else "conv"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(layer).__name__).lower()


def _row(layer: Layer | Output, residual: str | None, branch: str | None) -> dict[str, object]:
    from bnnhw.ir import Layer

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
        "kind": _kind(layer),
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
) -> Iterator[dict[str, object]]:
    """A residual layer comes before what is inside it."""
    from bnnhw.ir import Residual

    for layer in layers:
        yield _row(layer, residual, branch)
        if isinstance(layer, Residual):
            yield from _rows(layer.body, layer.name, "body")
            yield from _rows(layer.shortcut, layer.name, "shortcut")


def describe(network: Network) -> dict[str, object]:
    """What ``show`` says of a network.

    ``inputs`` and ``outputs`` count elements a frame, ``input_shape`` and ``output_shape`` are (elements,) or
    (channels, height, width). ``weight_bits``, ``input_bits`` and ``activation_bits`` are those of one element;
    ``activation_bits`` is None for the last matrix layer, whose accumulators become scores. ``macs`` are
    multiplications a frame: positions x K x N. ``residual`` and ``branch`` say where a layer inside a residual layer
    is; it follows that layer.
    """
    layers = list(_rows(network.layers))
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


@verb(example="bnnhw show digits.bnn")
@click.argument("network", metavar="N.bnn", type=click.Path(path_type=Path))
def show(session: Session, network: Path) -> None:
    """A table of the layers of a network."""
    from bnnhw.ir import archive

    loaded = archive.load(network)
    data = describe(loaded)

    def table(console: Console) -> None:
        from rich.markup import escape
        from rich.table import Table

        shape = " x ".join(map(str, loaded.input.shape))
        console.print(f"input {shape}, {loaded.input.dtype}")
        columns = Table("layer", "kind", box=None, pad_edge=False)
        for heading in ("inputs", "outputs", "weight bits", "activation bits", "macs"):
            columns.add_column(heading, justify="right")
        rows: list[dict[str, Any]] = data["layers"]  # type: ignore[assignment]
        depths: dict[str | None, int] = {None: 0}
        for row in rows:
            depth = depths[row["residual"]]
            depths[row["name"]] = depth + 1
            shapes = (" x ".join(map(str, row[key])) for key in ("input_shape", "output_shape"))
            bits = (row["weight_bits"], "" if row["activation_bits"] is None else row["activation_bits"])
            branch = "" if row["branch"] is None else f"{row['branch']}: "
            name = escape(f"{'  ' * depth}{branch}{row['name']}")
            columns.add_row(name, row["kind"], *shapes, *map(str, bits), str(row["macs"]))
        console.print(columns)
        for key, value in loaded.provenance.items():
            console.print(f"{key}: {value}", markup=False)

    session.result(data, table)
