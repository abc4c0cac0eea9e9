"""``bnnhw run``: samples to a board, classes and scores back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.frames_options import frames_options
from bnnhw.cli.inputs import tell_frames
from bnnhw.cli.paths import InputPath
from bnnhw.cli.session import Session, verb
from bnnhw.cli.virtual import built_options
from bnnhw.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from bnnhw.flow.frames import Frames, Wanted
    from bnnhw.flow.run import RunningBoard
    from bnnhw.ir import Network

__all__ = ["run"]

SHOWN = 10
"""Most frames whose results are shown one by one."""


def _frames(network: Network, inputs: tuple[Path, ...], wanted: Wanted) -> Frames:
    from bnnhw.flow.frames import find_frames
    from bnnhw.flow.inputs import read_inputs

    if not inputs:
        if wanted.dataset is None and wanted.random is None:
            raise RequestError("one of --input, --dataset and --random must be given")
        return find_frames(network, wanted)
    if wanted.dataset is not None or wanted.random is not None or wanted.count is not None:
        raise RequestError("--input must be given without --dataset, --random and --count")
    return read_inputs(network, inputs, wanted.reading)


def _show(result: dict[str, Any], console: Console) -> None:
    for number, row in enumerate(result["results"][:SHOWN]):
        console.print(f"{number:>6}  {row['name']}  (score {row['score']})", markup=False)
    if result["frames"] > SHOWN:
        console.print(f"   ...  {result['frames'] - SHOWN} more; --json has all")
    if result["accuracy"] is not None:
        console.print(f"{result['correct']} of {result['frames']} correct: {100 * result['accuracy']:.2f} %")
    if result["differences"] is not None:
        console.print(f"{result['frames']} frames, {result['differences']} differences from the reference")
    console.print(
        f"{result['frames_per_s']:,.0f} frames per second; the link carries {result['link_fps']:,.0f}, the accelerator "
        f"{result['fps']:,.0f}"
    )
    if result["resent"]:
        console.print(f"{result['resent']} frames were sent again")


def _count(session: Session, open_it: Callable[[], RunningBoard], frames: int | None, check: bool) -> None:
    """Has a board run the frames on its chip."""
    from bnnhw.flow.count import check_count, count_json

    with open_it() as opened:
        with session.stage("count"):
            found = opened.count(frames)
        result = count_json(opened.built, opened.port_name, found) | {"warnings": session.warnings}
    session.result(result, lambda console: _show_counts(result, console))
    if check:
        check_count(result)


def _show_counts(result: dict[str, Any], console: Console) -> None:
    wrong = "" if result["wrong"] is None else f"{result['wrong']} wrong ({100 * result['accuracy']:.2f} % right), "
    console.print(
        f"{result['frames']:,} frames, {wrong}{result['differences']} differences from the reference", markup=False
    )
    each = result["cycles_per_frame"]
    more = "" if each is None else f", {each:,.6g} per frame behind the first's {result['latency_cycles']:,}"
    console.print(f"{result['cycles']:,} cycles{more}")
    rates = ", ".join(f"{rate:,.0f} over {name}" for name, rate in result["links"].items())
    console.print(
        f"{result['frames_per_s']:,.0f} frames per second at {result['clock_mhz']:g} MHz, counted on the chip; "
        f"a link would carry {rates}",
        markup=False,
    )


@verb(
    example="bnnhw run bitstream --port /dev/ttyUSB1 --input seven.png\n"
    "bnnhw run bitstream --port COM4 --dataset digits --check\n"
    "bnnhw run bitstream --virtual --dataset digits --count 100 --check\n"
    "bnnhw run bitstream --virtual --bitstream --random 20 --check\n"
    "bnnhw run counting --virtual --check"
)
@click.argument("folder", metavar="DIR", type=InputPath(file_okay=False))
@click.option("--port", metavar="P", help="The port that the board is at: /dev/ttyUSB1, COM4.")
@click.option("--virtual", "virtual_board", is_flag=True, help="A simulated board instead.")
@built_options
@click.option(
    "--input",
    "inputs",
    metavar="X",
    type=InputPath(dir_okay=False),
    multiple=True,
    help="An image, a WAV, an array (.npy, .npz), or a CSV of a frame per line; repeatable.",
)
@frames_options
@click.option("--check", is_flag=True, help="Compares every result with the reference.")
@click.option(
    "--weights",
    metavar="N.bnn",
    type=InputPath(dir_okay=False),
    help="A network of the same shape whose weights are loaded first (`bnnhw load`).",
)
def run(
    session: Session,
    folder: Path,
    port: str | None,
    virtual_board: bool,
    board: str | None,
    netlist: bool,
    bitstream: bool,
    inputs: tuple[Path, ...],
    wanted: Wanted,
    check: bool,
    weights: Path | None,
) -> None:
    """Samples to a board, classes and scores back.

    DIR is what `bnnhw build` wrote. After --store no samples are sent: the board runs those on its chip, --count of
    them, round and round, and says how many were wrong, and in how many cycles. Whether the board holds this design is
    asked first. Exits with 1 when no board answers, when it holds another design, and with --check when a class, a
    score or a count is not the reference's.
    """
    from bnnhw.flow.built import open_built
    from bnnhw.flow.network import open_network
    from bnnhw.flow.run import check_run, differences, open_board, run_json

    def open_it() -> RunningBoard:
        with session.stage("open"):
            return open_board(
                folder, port=port, virtual=virtual_board, netlist=netlist, bitstream=bitstream, board=board
            )

    built = open_built(folder, board)
    other = None if weights is None else open_network(weights)
    if built.store is not None:
        if inputs or wanted.dataset is not None or wanted.random is not None or other is not None:
            raise RequestError(
                f"{folder}: has its frames on the chip; leave --input, --dataset, --random and --weights out"
            )
        _count(session, open_it, wanted.count, check)
        return
    frames = _frames(other or built.network, inputs, wanted)
    tell_frames(session, frames)
    with open_it() as opened:
        if other is not None:
            with session.stage("load"):
                opened.load(other)
        with session.progress("run") as update:
            results = opened.run(frames.samples, progress=update)
        found = differences(opened, frames.samples, results) if check else None
        result = run_json(opened, results, found, frames.labels) | {"warnings": session.warnings}
    session.result(result, lambda console: _show(result, console))
    check_run(result)
