"""``bnnhw train``: a recipe becomes a QONNX file."""

from __future__ import annotations

from pathlib import Path

import click

from bnnhw.cli.options import data_option
from bnnhw.cli.paths import OutputDirectory, OutputFile
from bnnhw.cli.session import Session, verb

__all__ = ["train"]


@verb(
    example="bnnhw train digits -o digits.onnx\n"
    "bnnhw train digits --epochs 20 --seed 7 -o quick.onnx\n"
    "bnnhw train mnist-sfc --data DIR --run runs/sfc -o sfc.onnx"
)
@click.argument("recipe")
@data_option
@click.option("--epochs", metavar="N", type=click.IntRange(min=1), help="Instead of the recipe's.")
@click.option("--seed", metavar="S", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--run",
    "run_dir",
    metavar="DIR",
    type=OutputDirectory("run", shared=True),
    help="Keeps a checkpoint, metrics.csv and result.json; the same command again goes on from there.",
)
@click.option("-o", "output", metavar="M.onnx", required=True, type=OutputFile("model"), help="The model to write.")
def train(
    session: Session,
    recipe: str,
    data: Path | None,
    epochs: int | None,
    seed: int,
    device: str,
    run_dir: Path | None,
    output: Path,
) -> None:
    """Trains a recipe, exports QONNX.

    The accuracy is that of the test split, measured once, after the last epoch.
    """
    from bnnhw.flow.train import train as run
    from bnnhw.flow.train import train_json

    with session.progress("train") as update:
        result = run(
            recipe, output, data=data, epochs=epochs, seed=seed, device=device, run_dir=run_dir, progress=update
        )
    session.result(
        train_json(result), lambda console: console.print(f"{output}: {100 * result.accuracy:.2f} % test accuracy")
    )
