"""``bnnhw import``: a foreign model becomes streamlined IR."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from bnnhw.cli.session import Session, verb

__all__ = ["import_", "import_model"]


class _Rational(click.ParamType[Fraction]):
    """A number above 0, written as a decimal fraction or as a quotient of two integers."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        written = re.fullmatch(r"[0-9]{1,9}(/0*[1-9][0-9]{0,8}|\.[0-9]{1,30})?", value)
        number = Fraction(value) if written else Fraction(0)
        if not number:
            self.fail(f"must be a positive number, such as 1/255 or 0.5, not {value!r:.60}")
        return number


def import_model(
    session: Session,
    model: Path,
    output: Path,
    topology: str | None = None,
    decode: str | None = None,
    input_scale: Fraction | None = None,
) -> dict[str, object]:
    """Reads, streamlines and saves ``model``; the JSON result of the verb."""
    from bnnhw.frontend import read_model
    from bnnhw.ir import file
    from bnnhw.streamline import streamline

    with session.stage("import"):
        imported = read_model(model, topology, decode, input_scale)
        result = streamline(imported.network)
        output.parent.mkdir(parents=True, exist_ok=True)
        file.save(result.network, output)
    warnings = [*imported.warnings, *result.warnings]
    for warning in warnings:
        session.warn(warning)
    dense = result.network.dense
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
@click.option(
    "--topology",
    metavar="SIZES",
    help="Of a parameter folder: inputs and neurons of every layer, unpadded.  [default: that of LFC]",
)
@click.option(
    "--decode",
    type=click.Choice(["argmax", "highest-bit"]),
    help="Of a parameter folder: the greatest popcount above its threshold, or the highest output bit that is set, "
    "as the original host has it.  [default: argmax]",
)
@click.option(
    "--input-scale",
    type=_Rational(),
    help="Of an ONNX model: what it takes is a raw sample times this, 1/255 for bytes where it takes 0..1.  "
    "[default: 1/255 or 1, as the graph suggests]",
)
def import_(
    session: Session,
    model: Path,
    output: Path,
    topology: str | None,
    decode: str | None,
    input_scale: Fraction | None,
) -> None:
    """Reads a trained model and streamlines it.

    MODEL is QONNX, a Larq model as .npz (docs/models.md), or a BNN-PYNQ parameter folder (0-0-weights.bin,
    0-0-thres.bin, ...).
    Batch norm and sign become integer thresholds, in exact arithmetic.
    """
    data = import_model(session, model, output, topology, decode, input_scale)
    session.result(
        data,
        lambda console: console.print(
            f"{output}: {data['layers']} matrix layers, {data['weights_bits']} weight bits, from {data['format']}"
        ),
    )
