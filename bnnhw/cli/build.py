"""``bnnhw build``: synthesis, place and route, bitstream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.options import board_option, folding_option
from bnnhw.cli.session import Session, verb
from bnnhw.errors import RequestError

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.boards import Board
    from bnnhw.build.bitstream import BuildResult
    from bnnhw.folding import FoldedNetwork

__all__ = ["build", "build_bitstream"]


def build_bitstream(
    session: Session, folded: FoldedNetwork, board: Board, seed: int, freq: float | None, output: Path
) -> tuple[BuildResult, dict[str, Any]]:
    """Builds with a progress bar; the result, and the JSON of the verb."""
    from bnnhw.build.bitstream import STEPS
    from bnnhw.build.bitstream import build as run
    from bnnhw.links import board_link

    with session.progress("build") as update:

        def progress(step: str, fraction: float, what: str) -> None:
            update(STEPS.index(step) + fraction, len(STEPS), what)

        result = run(folded, board, output, link=board_link(board), seed=seed, freq_mhz=freq, progress=progress)
    for step, seconds in result.stages_s.items():
        session.say(f"  {step:<12} {'unchanged' if step in result.skipped else f'{seconds:7.1f} s'}")
    return result, {
        "bitstream": str(result.bitstream),
        "report": str(result.report),
        "board": board.name,
        "fmax_mhz": result.fmax_mhz,
        "clock_mhz": result.clock_mhz,
        "timing_met": result.timing_met,
        "utilization": result.utilization,
        "estimate": result.estimate,
        "fps": result.fps,
        "latency_us": result.latency_us,
        "link_fps": result.link_fps,
        "stages_s": result.stages_s,
        "unchanged": list(result.skipped),
    }


@verb(
    example="bnnhw build design --board icebreaker -o bitstream\n"
    "bnnhw build digits.bnn --board ulx3s-85f --folding folding.json --freq 50 -o bitstream"
)
@click.argument("design", metavar="DIR_or_N.bnn", type=click.Path(path_type=Path))
@board_option
@folding_option
@click.option(
    "--seed", metavar="S", type=click.IntRange(min=0), default=0, show_default=True, help="Of place and route."
)
@click.option(
    "--freq",
    metavar="MHZ",
    type=click.FloatRange(min=0, min_open=True),
    help="Clock to build for.  [default: the board's]",
)
@click.option(
    "-o", "output", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The folder to write."
)
def build(
    session: Session, design: Path, board: str, folding: Path | None, seed: int, freq: float | None, output: Path
) -> None:
    """Makes a bitstream for a board.

    The accelerator gets the serial link of the board. All logs are kept. Steps whose inputs have not changed are
    skipped. Exits with 1 when the design does not fit or misses timing.
    """
    from bnnhw.boards import get
    from bnnhw.cli.design import folded_for, open_design, refuse_folding_twice
    from bnnhw.cli.fold import fold_json
    from bnnhw.cli.show import describe
    from bnnhw.files import write_json

    chosen = get(board)
    opened = open_design(design)
    refuse_folding_twice(opened, folding)
    if output.exists() and not output.is_dir():
        raise RequestError(f"{output}: must be a folder, and is a file")
    folded = opened.folded or folded_for(opened.network, folding, chosen)
    result, data = build_bitstream(session, folded, chosen, seed, freq, output)
    # What `bnnhw report` needs for its picture of the network.
    write_json(output / "network.json", describe(folded.network))
    write_json(output / "fold.json", fold_json(folded, chosen, result.clock_mhz))

    def show(console: Console) -> None:
        verdict = "met" if result.timing_met else "MISSED"
        console.print(str(result.bitstream), markup=False)
        console.print(f"Fmax {result.fmax_mhz:.2f} MHz, built for {result.clock_mhz:g} MHz: timing {verdict}")
        console.print(f"{result.fps:,.0f} frames a second, latency {result.latency_us:.1f} us")
        for name, entry in result.utilization.items():
            console.print(f"  {name:<16} {entry['used']:>6} of {entry['available']}", markup=False)

    session.result(data, show)
    result.check_timing()
