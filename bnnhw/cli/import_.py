"""``bnnhw import``: a foreign model becomes streamlined IR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bnnhw.cli.model_options import model_options
from bnnhw.cli.session import Session, verb

__all__ = ["import_", "import_model"]


def import_model(session: Session, model: Path, output: Path, **options: Any) -> dict[str, object]:
    """Reads, streamlines and saves ``model``; the JSON result of the verb."""
    from bnnhw.frontend import read_model
    from bnnhw.ir import archive
    from bnnhw.streamline import streamline

    with session.stage("import"):
        imported = read_model(model, **options)
        result = streamline(imported.network)
        output.parent.mkdir(parents=True, exist_ok=True)
        archive.save(result.network, output)
    warnings = [*imported.warnings, *result.warnings]
    for warning in warnings:
        session.warn(warning)
    dense = result.network.matrices
    return {
        "network": str(output),
        "layers": len(dense),
        "weights_bits": sum(layer.neurons * layer.synapses * len(layer.weights) for layer in dense),
        "format": imported.format,
        "warnings": warnings,
    }


@verb(
    "import",
    example="bnnhw import digits.onnx -o digits.bnn\n"
    "bnnhw import TFC_1W1A.onnx --input-scale 1/255 -o tfc.bnn\n"
    "bnnhw import lfc-w1a1-bnn-pynq -o lfc.bnn\n"
    "bnnhw import parameters --topology 784-256-256-256-10 --decode highest-bit -o sfc.bnn",
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "output",
    metavar="N.bnn",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The network file to write.",
)
@model_options
def import_(session: Session, model: Path, output: Path, **options: Any) -> None:
    """Reads a trained model and streamlines it.

    MODEL is QONNX, a Larq model as .npz (docs/models.md), or a BNN-PYNQ parameter folder (0-0-weights.bin,
    0-0-thres.bin, ...).
    Batch norm and sign become integer thresholds, in exact arithmetic.
    """
    data = import_model(session, model, output, **options)
    session.result(
        data,
        lambda console: console.print(
            f"{output}: {data['layers']} matrix layers, {data['weights_bits']} weight bits, from {data['format']}"
        ),
    )
