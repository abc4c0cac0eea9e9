"""``bnnhw export``: a network for other tools."""

from __future__ import annotations

from pathlib import Path

import click

from bnnhw.cli.paths import InputPath, OutputFile
from bnnhw.cli.session import Session, verb

__all__ = ["export"]


@verb(example="bnnhw export digits.bnn -o digits-streamlined.onnx")
@click.argument("network", metavar="N.bnn", type=InputPath())
@click.option(
    "-o",
    "output",
    metavar="M.onnx",
    required=True,
    type=OutputFile("model"),
    help="The model to write.",
)
def export(session: Session, network: Path, output: Path) -> None:
    """Writes streamlined QONNX for other tools.

    Thresholds are MultiThreshold nodes, weights are in MatMul nodes; the `qonnx` package executes the model to the
    scores of `bnnhw evaluate`, and FINN starts from it.
    """
    from bnnhw.errors import BnnhwError
    from bnnhw.flow.export import export as run
    from bnnhw.flow.network import open_network

    loaded = open_network(network)
    with session.stage("export"):
        try:
            run(loaded, output)
        except BnnhwError as error:
            message = str(error)
            raise type(error)(message if message.startswith(str(output)) else f"{network}: {message}") from None
    session.result({"model": str(output)}, lambda console: console.print(str(output), markup=False))
