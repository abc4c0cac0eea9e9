"""``bnnhw train``: a recipe becomes a QONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bnnhw.cli.frames_options import reading_options
from bnnhw.cli.next_steps import show_next
from bnnhw.cli.options import data_option
from bnnhw.cli.paths import DatasetName, OutputDirectory, OutputFile, RecipeName
from bnnhw.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.datasets import Reading

__all__ = ["train"]


@verb(
    example="bnnhw train digits -o digits.onnx\n"
    "bnnhw train digits --epochs 20 --seed 7 -o quick.onnx\n"
    "bnnhw train leaves.toml --dataset leaves/ -o leaves.onnx\n"
    "bnnhw train mnist-sfc --data DIR --run runs/sfc -o sfc.onnx"
)
@click.argument("recipe", metavar="RECIPE", type=RecipeName())
@click.option("--dataset", metavar="D", type=DatasetName(), help="Instead of the recipe's: a name, or files of yours.")
@reading_options
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
    dataset: str | None,
    reading: Reading,
    data: Path | None,
    epochs: int | None,
    seed: int,
    device: str,
    run_dir: Path | None,
    output: Path,
) -> None:
    """Trains a recipe, exports QONNX.

    RECIPE is a name that `bnnhw recipes` lists, or a TOML file such as `bnnhw new` writes.
    The accuracy is that of the test split, measured once, after the last epoch.
    """
    from bnnhw.flow.train import train as run
    from bnnhw.flow.train import train_json

    with session.progress("train") as update:
        result = run(
            recipe, output, data=data, dataset=dataset, reading=reading, epochs=epochs, seed=seed, device=device,
            run_dir=run_dir, progress=update,
        )  # fmt: skip

    def show(console: Console) -> None:
        console.print(f"{output}: {100 * result.accuracy:.2f} % test accuracy", markup=False)
        show_next(console, "import", output, "-o", output.with_suffix(".bnn"))

    session.result(train_json(result), show)
