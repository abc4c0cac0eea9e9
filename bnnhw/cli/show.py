"""``bnnhw show``: a table of the layers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bnnhw.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.ir import Network

__all__ = ["describe", "show"]


def describe(network: Network) -> dict[str, object]:
    """What ``show`` says of a network: ``weight_bits`` and ``activation_bits`` are those of one element."""
    layers: list[dict[str, object]] = [
        {
            "name": layer.name,
            "kind": "dense",
            "inputs": layer.synapses,
            "outputs": layer.neurons,
            "weight_bits": len(layer.weights),
            "input_bits": layer.input.bits,
            # The last matrix layer hands its accumulators on.
            "activation_bits": None if layer.output is None else layer.output.bits,
            "macs": layer.synapses * layer.neurons,
        }
        for layer in network.dense
    ]
    layers.append(
        {
            "name": network.output.name,
            "kind": "output",
            "inputs": network.output.classes,
            "outputs": network.output.classes,
            "weight_bits": 0,
            "input_bits": None,
            "activation_bits": None,
            "macs": 0,
        }
    )
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
    from bnnhw.ir import file

    loaded = file.load(network)
    data = describe(loaded)

    def table(console: Console) -> None:
        from rich.table import Table

        shape = " x ".join(map(str, loaded.input.shape))
        console.print(f"input {shape}, {loaded.input.dtype}")
        columns = Table("layer", "kind", box=None, pad_edge=False)
        for heading in ("inputs", "outputs", "weight bits", "activation bits", "macs"):
            columns.add_column(heading, justify="right")
        rows: list[dict[str, object]] = data["layers"]  # type: ignore[assignment]
        for row in rows:
            keys = ("name", "kind", "inputs", "outputs", "weight_bits", "activation_bits", "macs")
            columns.add_row(*("" if row[key] is None else str(row[key]) for key in keys))
        console.print(columns)
        for key, value in loaded.provenance.items():
            console.print(f"{key}: {value}", markup=False)

    session.result(data, table)
