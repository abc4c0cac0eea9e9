"""``bnnhw new``: a recipe for data and a board."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bnnhw.cli.frames_options import reading_options
from bnnhw.cli.inputs import frames_per_second
from bnnhw.cli.next_steps import show_next
from bnnhw.cli.options import board_option, data_option
from bnnhw.cli.paths import DatasetName, OutputFile
from bnnhw.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.datasets import Reading

__all__ = ["new"]


@verb(
    example="bnnhw new --dataset leaves/ --board icebreaker -o leaves.toml\n"
    "bnnhw new --dataset iris.csv --label species --board ulx3s-25f -o iris.toml"
)
@click.option(
    "--dataset", metavar="D", required=True, type=DatasetName(), help="Files of yours, or a name of `bnnhw datasets`."
)
@board_option
@reading_options
@data_option
@click.option("-o", "output", metavar="R.toml", required=True, type=OutputFile("recipe"), help="The recipe to write.")
def new(session: Session, dataset: str, board: str, reading: Reading, data: Path | None, output: Path) -> None:
    """Writes a recipe that suits data and a board.

    The shape of the samples decides the kind of network, their number its training, and the board its size: the largest
    that fits with room to spare, folded as `bnnhw build` will.
    """
    from bnnhw.flow.new import new_json, new_recipe, save_recipe

    found = new_recipe(dataset, board, name=output.stem, data=data, reading=reading, stage=session.progress)
    for note in found.notes:
        session.say(note)
    save_recipe(found, output)
    result = new_json(found, output)

    def show(console: Console) -> None:
        size = f"about {found.lut4} of {found.board.lut4} LUT4 and {found.bram} block RAMs of {found.board.name}"
        weights = f"{found.weight_bits:,} weight bits"
        line = f"{output}: {found.recipe.summary}, {weights}; {size}, {frames_per_second(result)}"
        console.print(line, markup=False, soft_wrap=True)
        show_next(console, "train", output, "-o", output.with_suffix(".onnx"))

    session.result(result, show)
