"""``bnnhw evaluate``: the integer reference over a data set."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.frames_options import frames_options
from bnnhw.cli.inputs import load_frames
from bnnhw.cli.paths import InputPath
from bnnhw.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.flow.frames import Wanted

__all__ = ["evaluate"]

SHOWN = 20
"""Most classes whose figures are shown one by one."""


def _show(result: dict[str, Any], console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    if result["correct"] is None:
        console.print(f"{result['images']} random frames")
    else:
        share = f"{100 * result['accuracy']:.2f} %"
        console.print(f"{result['correct']} of {result['images']} correct: {share}")
    if len(result["classes"]) <= SHOWN:
        table = Table("class", box=None, pad_edge=False)
        for heading in ("frames", "correct", "given"):
            table.add_column(heading, justify="right")
        for row in result["classes"]:
            figures = ("" if row[key] is None else str(row[key]) for key in ("images", "correct", "given"))
            table.add_row(escape(row["name"]), *figures)
        console.print(table)


@verb(
    example="bnnhw evaluate digits.bnn --dataset digits\n"
    "bnnhw evaluate leaves.bnn --dataset leaves/\n"
    "bnnhw evaluate leaves.bnn --dataset new-leaves/ --split all\n"
    "bnnhw evaluate any.bnn --random 1000"
)
@click.argument("network", metavar="N.bnn", type=InputPath())
@frames_options
def evaluate(session: Session, network: Path, wanted: Wanted) -> None:
    """The integer reference over a data set."""
    from bnnhw.flow.evaluate import evaluate as run
    from bnnhw.flow.frames import evaluation_json
    from bnnhw.flow.network import open_network

    loaded = open_network(network)
    frames = load_frames(session, loaded, wanted)
    start = time.perf_counter()
    with session.stage("evaluate"):
        classes = run(loaded, frames.samples).classes
    wall_s = time.perf_counter() - start
    result = {"dataset": frames.name, **evaluation_json(frames, classes), "wall_s": wall_s}
    result["warnings"] = session.warnings
    session.result(result, lambda console: _show(result, console))
