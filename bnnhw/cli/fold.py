"""``bnnhw fold``: PE, SIMD and memory for each layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.options import board_option
from bnnhw.cli.session import Session, verb
from bnnhw.errors import CheckError

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.boards import Board
    from bnnhw.folding import FoldedNetwork
    from bnnhw.ir import Network

__all__ = ["fold", "fold_json"]


def fold_json(folded: FoldedNetwork, board: Board, clock_mhz: float) -> dict[str, Any]:
    """What ``fold`` says of a folding on a board at a clock; the cycles are those of the exact model."""
    from dataclasses import asdict

    from bnnhw.folding.cycles import predict
    from bnnhw.folding.resources import estimate
    from bnnhw.links import board_link

    prediction = predict(folded, board.family.technology)
    cycles = {unit.name: unit.cycles for unit in prediction.layers if unit.unit == "mvu"}
    return {
        "board": board.name,
        "layers": [
            {
                "name": layer.name,
                "pe": folding.pe,
                "simd": folding.simd,
                "engine": folding.engine,
                "memory": folding.memory,
                "planes": folding.planes,
                "cycles": cycles[layer.name],
            }
            for layer, folding in folded.pairs
        ],
        "units": [{"name": unit.name, "unit": unit.unit, "cycles": unit.cycles} for unit in prediction.layers],
        "cycles_per_frame": prediction.cycles_per_frame,
        "latency_cycles": prediction.latency_cycles,
        "fps": clock_mhz * 1e6 / prediction.cycles_per_frame,
        "clock_mhz": clock_mhz,
        # With the link, as the design that `build` makes.
        "estimate": asdict(estimate(folded, board.family.technology) + board_link(board).resources),
    }


def _reaching(network: Network, board: Board, fps: float) -> FoldedNetwork:
    """The cheapest folding that reaches so many frames a second."""
    from bnnhw.folding import solve
    from bnnhw.folding.cycles import predict
    from bnnhw.links import board_link

    reserve = board_link(board).resources
    folded = solve.cheapest(network, board, int(board.clock_mhz * 1e6 / fps), reserve=reserve)
    if folded is None:
        best = predict(solve.fastest(network, board, reserve=reserve), board.family.technology).cycles_per_frame
        raise CheckError(
            f"the fastest folding that fits {board.name} gives {board.clock_mhz * 1e6 / best:.0f} frames a second "
            f"at {board.clock_mhz:g} MHz, not {fps:g}"
        )
    return folded


@verb(
    example="bnnhw fold digits.bnn --board icebreaker -o folding.json\n"
    "bnnhw fold digits.bnn --board icebreaker --fps 1000"
)
@click.argument("network", metavar="N.bnn", type=click.Path(path_type=Path))
@board_option
@click.option(
    "--fps", metavar="F", type=click.FloatRange(min=0, min_open=True), help="Frames a second that are enough."
)
@click.option("--max", "fastest", is_flag=True, help="The fastest that fits, however long its build takes.")
@click.option(
    "-o", "output", metavar="F.json", type=click.Path(dir_okay=False, path_type=Path), help="The folding to write."
)
def fold(session: Session, network: Path, board: str, fps: float | None, fastest: bool, output: Path | None) -> None:
    """Chooses PE, SIMD and memory of each layer.

    The choice is the fastest folding that builds in minutes; with --max the fastest that fits the board; with --fps
    the cheapest that reaches so many frames a second at the board's clock, and exit code 1 when none does.
    """
    from bnnhw.boards import get
    from bnnhw.cli.design import folded_for
    from bnnhw.folding import file as folding_file
    from bnnhw.folding import solve
    from bnnhw.ir import archive
    from bnnhw.links import board_link

    if fps is not None and fastest:
        raise click.UsageError("--fps and --max can't be given together")
    chosen = get(board)
    loaded = archive.load(network)
    with session.stage("fold"):
        if fps is not None:
            folded = _reaching(loaded, chosen, fps)
        else:
            reserve = board_link(chosen).resources
            folded = solve.fastest(loaded, chosen, reserve=reserve) if fastest else folded_for(loaded, None, chosen)
        data = fold_json(folded, chosen, chosen.clock_mhz)
    if output is not None:
        folding_file.save(folded.foldings, loaded, output)

    def show(console: Console) -> None:
        from rich.table import Table

        table = Table("layer", box=None, pad_edge=False)
        for heading in ("PE", "SIMD", "memory", "engine", "cycles"):
            table.add_column(heading, justify="right")
        for row in data["layers"]:
            table.add_row(*(str(row[key]) for key in ("name", "pe", "simd", "memory", "engine", "cycles")))
        console.print(table)
        console.print(
            f"{data['cycles_per_frame']} cycles a frame, latency {data['latency_cycles']} cycles: "
            f"{data['fps']:,.0f} frames a second at {data['clock_mhz']:g} MHz"
        )
        console.print(f"about {data['estimate']['lut4']} LUT4 and {data['estimate']['bram']} block RAMs with the link")
        if output is not None:
            console.print(str(output), markup=False)

    session.result(data, show)
