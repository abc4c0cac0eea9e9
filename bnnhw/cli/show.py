"""``bnnhw show``: a table of the layers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bnnhw.cli.paths import InputPath
from bnnhw.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import Console


__all__ = ["show"]


@verb(example="bnnhw show digits.bnn")
@click.argument("network", metavar="N.bnn", type=InputPath())
def show(session: Session, network: Path) -> None:
    """A table of the layers of a network."""
    from bnnhw.flow.network import open_network
    from bnnhw.flow.show import describe, input_lines

    loaded = open_network(network)
    data = describe(loaded)

    def table(console: Console) -> None:
        from rich.markup import escape
        from rich.table import Table

        for line in input_lines(data["input"]):
            console.print(line)
        columns = Table("layer", "kind", box=None, pad_edge=False)
        for heading in ("inputs", "outputs", "weight bits", "activation bits", "macs"):
            columns.add_column(heading, justify="right")
        depths: dict[str | None, int] = {None: 0}
        for row in data["layers"]:
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
