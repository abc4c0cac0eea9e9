"""``bnnhw import``: a foreign model becomes streamlined IR."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.model_options import model_options
from bnnhw.cli.next_steps import show_next
from bnnhw.cli.paths import InputPath, OutputFile
from bnnhw.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["import_"]


@verb(
    "import",
    example="bnnhw import digits.onnx -o digits.bnn\n"
    "bnnhw import TFC_1W1A.onnx --input-scale 1/255 -o tfc.bnn\n"
    "bnnhw import lfc-w1a1-bnn-pynq -o lfc.bnn\n"
    "bnnhw import parameters --topology 784-256-256-256-10 --decode highest-bit -o sfc.bnn",
)
@click.argument("model", type=InputPath())
@click.option(
    "-o",
    "output",
    metavar="N.bnn",
    required=True,
    type=OutputFile("network"),
    help="The network file to write.",
)
@model_options
def import_(session: Session, model: Path, output: Path, **options: Any) -> None:
    """Reads a trained model and streamlines it.

    MODEL is QONNX, a Larq model as .npz (docs/models.md), or a BNN-PYNQ parameter folder (0-0-weights.bin,
    0-0-thres.bin, ...).
    Batch norm and sign become integer thresholds, in exact arithmetic.
    """
    from bnnhw.flow.import_ import import_json, import_model, save

    with session.stage("import"):
        imported = import_model(model, **options)
        save(imported.network, output)
    for warning in imported.warnings:
        session.warn(warning)
    data = import_json(imported, output)

    def show(console: Console) -> None:
        layers = f"{data['layers']} matrix layers, {data['weights_bits']} weight bits, from {data['format']}"
        console.print(f"{output}: {layers}", markup=False)
        show_next(console, "build", output, "--board", "BOARD", "-o", output.with_name("bitstream"))

    session.result(data, show)
