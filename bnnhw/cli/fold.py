"""``bnnhw fold``: PE, SIMD and memory for each layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bnnhw.cli.inputs import frames_per_second, headroom_note, left_out_note
from bnnhw.cli.options import baud_option, board_option, link_option, writable_option
from bnnhw.cli.paths import InputPath, Number, OutputFile
from bnnhw.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["fold"]


@verb(
    example="bnnhw fold digits.bnn --board icebreaker -o folding.json\n"
    "bnnhw fold digits.bnn --board icebreaker --fps 1000\n"
    "bnnhw fold digits.bnn --board ulx3s-85f --engine spatial\n"
    "bnnhw fold digits.bnn --board icebreaker --baud 3000000"
)
@click.argument("network", metavar="N.bnn", type=InputPath())
@board_option
@link_option
@click.option("--fps", metavar="F", type=Number(min=0, min_open=True), help="Frames per second that are enough.")
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
    fastest: bool,
    engine: str | None,
    writable: bool,
    baud: int | None,
    output: Path | None,
) -> None:
    """Chooses PE, SIMD, memory and engine of each layer.

    Without --fps and --max: the fastest folding of at most 4,000 logic cells with the link, which builds in a minute
    or two; where none is so small, the fastest that fits the board. With --max the fastest that fits the board; with
    --fps the cheapest that reaches so many frames per second at the board's clock, and exit code 1 when none does.
    What --max would give is said beside each other choice. A folding fits whose estimate takes at most 80 % of the
    board's logic cells, and its block RAMs.

    The engine spatial takes a vector in every cycle and about two thirds of a LUT4 per weight, the engine lookup a
    truth table for each neuron of few weights other than 0; the engine folded takes the cycles that fit. With any, each
    layer gets what costs least within the cycles of all. Without --engine layers are folded, unless any gives fewer
    cycles with --max, reaches what folded does not with --fps, or fits where folded does not.
    """
    from bnnhw.flow.baud import with_baud
    from bnnhw.flow.fold import HEADROOM, as_board, check_frame, choose, fold_json, save_folding
    from bnnhw.flow.network import open_network
    from bnnhw.flow.pins import with_link

    if fps is not None and fastest:
        raise click.UsageError("--fps and --max can't be given together")
    chosen = with_baud(with_link(as_board(board), link, placed=False), baud)
    loaded = open_network(network)
    check_frame(loaded, chosen)
    with session.stage("fold"):
        choice = choose(loaded, chosen, fps=fps, fastest=fastest, engine=engine, writable=writable)
        data = fold_json(choice.folded, chosen)
        best = data if fastest else choice.headroom() or data
        data["fastest"] = {key: best[key] for key in HEADROOM}
    if output is not None:
        save_folding(choice.folded, output)

    def show(console: Console) -> None:
        from rich.table import Table

        table = Table("layer", box=None, pad_edge=False)
        shared = ("vectors",) if any(row["vectors"] > 1 for row in data["layers"]) else ()
        for heading in ("PE", "SIMD", *shared, "memory", "engine", "cycles"):
            table.add_column(heading, justify="right")
        for row in data["layers"]:
            table.add_row(*(str(row[key]) for key in ("name", "pe", "simd", *shared, "memory", "engine", "cycles")))
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
        if best["cycles_per_frame"] < data["cycles_per_frame"]:
            console.print(headroom_note(best), markup=False)
        if output is not None:
            console.print(str(output), markup=False)

    session.result(data, show)
