"""``bnnhw sensitivity``: what each activation is worth, what it costs, and which widths to try."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.options import count_option, data_option, folding_option
from bnnhw.cli.session import Session, verb
from bnnhw.errors import RequestError

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.analysis import Sensitivity, Suggestion
    from bnnhw.boards import Board
    from bnnhw.folding import FoldedNetwork
    from bnnhw.ir import Network

__all__ = ["read_any", "sensitivity", "sensitivity_json"]


def read_any(session: Session, model: Path) -> Network:
    """A .bnn file, or any model that `bnnhw import` reads, streamlined."""
    from bnnhw.frontend import read_model
    from bnnhw.ir import archive
    from bnnhw.streamline import streamline

    if model.suffix == ".bnn":
        network, warnings = archive.load(model), ()
    else:
        imported = read_model(model)
        network, warnings = imported.network, imported.warnings
    result = streamline(network)
    for warning in (*warnings, *result.warnings):
        session.warn(warning)
    return result.network


def _fold(network: Network, board: str | None, folding: Path | None) -> tuple[FoldedNetwork, Board]:
    """The folding that costs are those of, and its board: without a name the first that the network fits."""
    from bnnhw.boards import BOARDS, get
    from bnnhw.cli.design import folded_for
    from bnnhw.errors import CheckError, FoldingError

    if folding is not None and board is None:
        raise RequestError("--folding needs --board, whose technology and resources it is for")
    candidates = list(BOARDS.values()) if board is None else [get(board)]
    for candidate in candidates[:-1]:
        try:
            return folded_for(network, folding, candidate), candidate
        except (CheckError, FoldingError):
            continue
    return folded_for(network, folding, candidates[-1]), candidates[-1]


def sensitivity_json(measured: Sensitivity, suggestion: Suggestion) -> dict[str, Any]:
    """What the verb says of the measurements and of the widths."""
    return {
        "images": measured.frames,
        "accuracy": measured.accuracy,
        "rate": measured.rate,
        "seed": measured.seed,
        "budget": suggestion.budget,
        "estimate": asdict(suggestion.estimate),
        "suggested_estimate": asdict(suggestion.suggested_estimate),
        "noise": suggestion.noise,
        "suggested_noise": suggestion.suggested_noise,
        "layers": [
            {
                "name": m.site.name,
                "kind": m.site.kind,
                "elements": m.site.elements,
                "bits": width.bits,
                "accuracy_drop": m.accuracy_drop,
                "changed": m.changed,
                "noise": m.noise,
                "lut4_per_bit": width.lut4_per_bit,
                "suggested_bits": width.suggested_bits,
            }
            for m, width in zip(measured.sites, suggestion.sites, strict=True)
        ],
    }


def _show(data: dict[str, Any], console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("layer", "kind", box=None, pad_edge=False)
    for heading in ("elements", "bits", "accuracy drop", "changed", "noise", "LUT4 a bit more", "bits to try"):
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
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, metavar="D", help="A name that `bnnhw datasets` lists.")
@click.option("--split", type=click.Choice(["test", "train"]), default="test", show_default=True)
@count_option
@data_option
@click.option(
    "--budget",
    metavar="LUT4",
    type=click.IntRange(min=1),
    help="LUT4 for the network and its serial link.  [default: 70 % of the board's]",
)
@click.option("--board", metavar="B", help="A name that `bnnhw boards` lists.  [default: the first it fits]")
@folding_option
@click.option(
    "--rate",
    metavar="P",
    type=click.FloatRange(min=0, min_open=True, max=1),
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
    dataset: str,
    split: str,
    count: int | None,
    data: Path | None,
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
    from bnnhw.analysis import measure, suggest
    from bnnhw.cli.evaluate import load_frames
    from bnnhw.folding.solve import CELL_SHARE
    from bnnhw.links import board_link

    network = read_any(session, model)
    codes, labels = load_frames(network, dataset, data, split, count)
    with session.stage("fold"):
        folded, chosen = _fold(network, board, folding)
    with session.progress("measure") as update:
        measured = measure(network, codes, labels, rate=rate, seed=seed, progress=update)
    with session.progress("suggest") as update:
        limit = int(CELL_SHARE * chosen.lut4) if budget is None else budget
        suggestion = suggest(measured, folded, chosen, limit, reserve=board_link(chosen).resources, progress=update)
    result = {"model": str(model), "board": chosen.name, "dataset": dataset, "split": split}
    result |= sensitivity_json(measured, suggestion)
    session.result(result, lambda console: _show(result, console))
