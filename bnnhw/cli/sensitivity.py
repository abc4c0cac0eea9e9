"""``bnnhw sensitivity``: what each activation is worth, what it costs, and which widths to try."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.frames_options import frames_options
from bnnhw.cli.inputs import load_frames
from bnnhw.cli.options import folding_option
from bnnhw.cli.paths import BoardName, InputPath, Number
from bnnhw.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.flow.frames import Wanted

__all__ = ["sensitivity"]


def _show(data: dict[str, Any], console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("layer", "kind", box=None, pad_edge=False)
    for heading in ("elements", "bits", "accuracy drop", "changed", "noise", "LUT4 per extra bit", "bits to try"):
        table.add_column(heading, justify="right")
    for row in data["layers"]:
        table.add_row(
            escape(row["name"]),
            row["kind"],
            str(row["elements"]),
            str(row["bits"]),
            f"{100 * row['accuracy_drop']:.2f} %",
            f"{100 * row['changed']:.2f} %",
            f"{row['noise']:.4f}",
            "" if row["lut4_per_bit"] is None else str(row["lut4_per_bit"]),
            str(row["suggested_bits"]),
        )
    console.print(
        f"{100 * data['accuracy']:.2f} % of {data['images']} frames; {100 * data['rate']:g} % of one layer's elements "
        "disturbed at a time"
    )
    console.print(table)
    console.print(
        f"about {data['estimate']['lut4']} LUT4 as it is, {data['suggested_estimate']['lut4']} with the bits to try, "
        f"of {data['budget']}"
    )
    console.print("Widths are a heuristic, made without training: train with them to know.")


@verb(
    example="bnnhw sensitivity digits.onnx --dataset digits --board icebreaker\n"
    "bnnhw sensitivity tfc.bnn --dataset mnist --data DIR --count 1000 --budget 4000"
)
@click.argument("model", type=InputPath())
@frames_options
@click.option(
    "--budget",
    metavar="LUT4",
    type=click.IntRange(min=1),
    help="LUT4 for the network and its serial link.  [default: 70 % of the board's]",
)
@click.option(
    "--board", metavar="B", type=BoardName(), help="A name that `bnnhw boards` lists.  [default: the first it fits]"
)
@folding_option
@click.option(
    "--rate",
    metavar="P",
    type=Number(min=0, min_open=True, max=1),
    default=0.05,
    show_default=True,
    help="Share of a layer's elements that are disturbed.",
)
@click.option(
    "--seed", metavar="S", type=click.IntRange(min=0), default=0, show_default=True, help="Of the disturbances."
)
def sensitivity(
    session: Session,
    model: Path,
    wanted: Wanted,
    budget: int | None,
    board: str | None,
    folding: Path | None,
    rate: float,
    seed: int,
) -> None:
    """Measures what each layer's activations are worth; suggests widths for them.

    MODEL is a .bnn file or what `bnnhw import` reads. One layer at a time, a share of its elements is moved by one
    level (a bit is flipped): accuracy drop, frames that change their class, noise in the scores over their signal.
    From one bit everywhere, bits go to where they lower the noise most for their LUT4, up to 8 and to the budget, with
    PE and SIMD as they are. That is a heuristic for the next training; nothing is trained here.
    """
    from bnnhw.flow.evaluate import evaluate
    from bnnhw.flow.import_ import open_model
    from bnnhw.flow.sensitivity import sensitivity as run
    from bnnhw.flow.sensitivity import sensitivity_json

    imported = open_model(model)
    for warning in imported.warnings:
        session.warn(warning)
    network = imported.network
    frames = load_frames(session, network, wanted)
    labels = frames.labels
    if labels is None:
        # What random frames are is what the network says as it is.
        labels = evaluate(network, frames.samples).classes
    found = run(
        network, frames.samples, labels, board=board, folding=folding, budget=budget, rate=rate, seed=seed,
        stage=session.progress,
    )  # fmt: skip
    result = {"model": str(model), "dataset": frames.name, "split": wanted.split} | sensitivity_json(found)
    result["warnings"] = session.warnings
    session.result(result, lambda console: _show(result, console))
