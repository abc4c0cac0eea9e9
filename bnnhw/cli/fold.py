"""``bnnhw fold``: PE, SIMD and memory for each layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bnnhw.cli.inputs import frames_per_second, headroom_note, left_out_note
from bnnhw.cli.options import baud_option, link_option, writable_option
from bnnhw.cli.paths import BoardName, InputPath, Number, OutputFile
from bnnhw.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["fold"]


@verb(
    example="bnnhw fold digits.bnn --board icebreaker -o folding.json\n"
    "bnnhw fold digits.bnn --board icebreaker --fps 1000\n"
    "bnnhw fold digits.bnn --board ulx3s-85f --engine spatial\n"
    "bnnhw fold digits.bnn --board icebreaker --latency 10\n"
    "bnnhw fold digits.bnn --board smallest --fps 1000\n"
    "bnnhw fold digits.bnn --board icebreaker --baud 3000000"
)
@click.argument("network", metavar="N.bnn", type=InputPath())
@click.option(
    "--board",
    metavar="B",
    type=BoardName(),
    required=True,
    help="A name that `bnnhw boards` lists, or FILE.py; or smallest: the one with the fewest logic cells of those that "
    "come with bnnhw and do what is asked for.",
)
@link_option
@click.option("--fps", metavar="F", type=Number(min=0, min_open=True), help="Frames per second that are enough.")
@click.option(
    "--latency",
    metavar="US",
    type=Number(min=0, min_open=True),
    help="Microseconds that a frame may take, from its first word to the result.",
)
@click.option("--cells", metavar="N", type=click.IntRange(min=1), help="Logic cells that it may take, link included.")
@click.option("--max", "fastest", is_flag=True, help="The fastest that fits, however long its build takes.")
@click.option(
    "--engine",
    metavar="E",
    help="Of each layer that it can compute: folded (weights in memory), spatial (weights in the fabric), lookup "
    "(truth tables), or any. Without it folded, and any where that is faster or folded does not do.",
)
@writable_option
@baud_option
@click.option("-o", "output", metavar="F.json", type=OutputFile("folding"), help="The folding to write.")
def fold(
    session: Session,
    network: Path,
    board: str,
    link: str | None,
    fps: float | None,
    latency: float | None,
    cells: int | None,
    fastest: bool,
    engine: str | None,
    writable: bool,
    baud: int | None,
    output: Path | None,
) -> None:
    """Chooses PE, SIMD, memory and engine of each layer.

    Of --fps, --latency, --cells and --max one says what for, all at the board's clock and with its link. --fps: the
    cheapest folding that reaches so many frames per second. --latency: the cheapest found whose frames are through in
    so many microseconds. --cells: the fastest of at most so many logic cells. --max: the fastest that fits the board.
    Without any: the fastest of at most 4,000 logic cells, which builds in a minute or two; where none is so small, the
    fastest that fits. Exit code 1 when none does it; then the nearest is named, and what more would take.

    What --max would give is said beside each other choice, and what the next quicker folding would take that there is
    no room for. A folding fits whose estimate takes at most 80 % of the board's logic cells, and its block RAMs.

    The engine spatial takes a vector in every cycle and about two thirds of a LUT4 per weight, the engine lookup a
    truth table for each neuron of few weights other than 0; the engine folded takes the cycles that fit. With any, each
    layer gets what costs least within the cycles of all. Without --engine layers are folded, unless any gives fewer
    cycles with --max, reaches what folded does not with --fps, or fits where folded does not.
    """
    from bnnhw.flow.aims import Aim
    from bnnhw.flow.baud import with_baud
    from bnnhw.flow.choose import HEADROOM, SMALLEST, choose, choose_board
    from bnnhw.flow.clock import clock_words
    from bnnhw.flow.fold import as_board, check_frame, fold_json, save_folding
    from bnnhw.flow.network import open_network
    from bnnhw.flow.pins import with_link

    given = {"--fps": fps, "--latency": latency, "--cells": cells, "--max": fastest or None}
    said = [option for option, value in given.items() if value is not None]
    if len(said) > 1:
        raise click.UsageError(f"{' and '.join(said)} can't be given together")
    aim = Aim(fps, latency, cells, fastest)
    if board == SMALLEST and (link is not None or baud is not None):
        raise click.UsageError("--link and --baud need a board: --board smallest takes each with its own")
    chosen = None if board == SMALLEST else with_baud(with_link(as_board(board), link, placed=False), baud)
    loaded = open_network(network)
    if chosen is not None:
        check_frame(loaded, chosen)
    with session.stage("fold"):
        if chosen is None:
            choice = choose_board(loaded, aim, engine=engine, writable=writable)
        else:
            choice = choose(loaded, chosen, aim, engine=engine, writable=writable)
        chosen = choice.board
        data = fold_json(choice.folded, chosen)
        best = data if fastest else choice.headroom() or data
        data["fastest"] = {key: best[key] for key in HEADROOM}
        data["better"] = choice.better()
    if output is not None:
        save_folding(choice.folded, output)

    def show(console: Console) -> None:
        from rich.table import Table

        if board == SMALLEST:
            console.print(f"{chosen.name}: {chosen.device}, {chosen.lut4:,} logic cells", markup=False)
        table = Table("layer", box=None, pad_edge=False)
        shared = ("vectors",) if any(row["vectors"] > 1 for row in data["layers"]) else ()
        kept = ("thresholds",) if any(row["thresholds"] != "lut" for row in data["layers"]) else ()
        last = (*shared, "memory", *kept, "engine", "cycles")
        for heading in ("PE", "SIMD", *last):
            table.add_column(heading, justify="right")
        for row in data["layers"]:
            table.add_row(*(str(row[key]) for key in ("name", "pe", "simd", *last)))
        console.print(table)
        if data["left_out"]:
            console.print(left_out_note(data["left_out"]), markup=False)
        console.print(
            f"{data['cycles_per_frame']} cycles per frame, latency {data['latency_cycles']} cycles: "
            f"{frames_per_second(data)} at {data['clock_mhz']:g} MHz"
        )
        need = data["estimate"]
        sprams = f", {need['spram']} SPRAMs" if need["spram"] else ""
        console.print(f"about {need['lut4']} LUT4 and {need['bram']} block RAMs{sprams} with the link")
        console.print(clock_words(data["fmax_estimate_mhz"], data["clock_mhz"]), markup=False)
        if data["better"]:
            console.print(f"the next better, which there is no room for: {data['better']['text']}", markup=False)
        if best["cycles_per_frame"] < data["cycles_per_frame"]:
            console.print(headroom_note(best), markup=False)
        if output is not None:
            console.print(str(output), markup=False)

    session.result(data, show)
