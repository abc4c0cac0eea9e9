"""``bnnhw build``: synthesis, place and route, bitstream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.frames_options import frames_options
from bnnhw.cli.inputs import frames_per_second, load_frames, open_path
from bnnhw.cli.next_steps import after_build, show_steps
from bnnhw.cli.options import baud_option, board_option, folding_option, link_option, pins_option, writable_option
from bnnhw.cli.paths import InputPath, Number, OutputDirectory
from bnnhw.cli.session import Session, verb
from bnnhw.errors import RequestError

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.build.result import BuildResult
    from bnnhw.flow.frames import Wanted

__all__ = ["build"]

MAX_SEED = 2**31 - 1
"""What nextpnr takes."""

MAX_EXPLORED = 1000
"""More attempts than anybody waits for."""


@verb(
    example="bnnhw build design --board icebreaker -o bitstream\n"
    "bnnhw build digits.bnn --board ulx3s-85f --folding folding.json --freq 50 -o bitstream\n"
    "bnnhw build digits.bnn --board icebreaker --explore 8 -o bitstream\n"
    "bnnhw build digits.bnn --board icebreaker --baud 3000000 -o bitstream\n"
    "bnnhw build digits.bnn --board icebreaker --store --dataset digits -o counting"
)
@click.argument("design", metavar="DIR_or_N.bnn", type=InputPath())
@board_option
@folding_option
@writable_option
@click.option(
    "--seed", metavar="S", type=click.IntRange(0, MAX_SEED), default=0, show_default=True, help="Of place and route."
)
@click.option(
    "--explore",
    metavar="N",
    type=click.IntRange(1, MAX_EXPLORED),
    help="Places and routes N times, with other seeds and options of nextpnr, as many at once as there are cores; "
    "keeps the best and says how far they differ.",
)
@click.option(
    "--freq",
    metavar="MHZ",
    type=Number(min=0, min_open=True),
    help="Clock to build for.  [default: the board's]",
)
@link_option
@pins_option
@baud_option
@click.option(
    "--store",
    is_flag=True,
    help="Puts frames of --dataset or --random on the chip, instead of taking them over the link: as many as fit, at "
    "most 1,024, or --count. `bnnhw run` then counts wrong classes and cycles.",
)
@frames_options
@click.option(
    "-o",
    "output",
    metavar="DIR",
    required=True,
    type=OutputDirectory("build", shared=True),
    help="The folder to write.",
)
def build(
    session: Session,
    design: Path,
    board: str,
    folding: Path | None,
    writable: bool,
    seed: int,
    explore: int | None,
    freq: float | None,
    link: str | None,
    pins: str | None,
    baud: int | None,
    store: bool,
    wanted: Wanted,
    output: Path,
) -> None:
    """Makes a bitstream for a board.

    A folder that `bnnhw generate` wrote is built as it is, edits to its Verilog included; a network is generated into
    DIR/design first. The accelerator gets the link of the board, or the one that is asked for. All logs are kept. Steps
    whose inputs have not changed are skipped. Exits with 1 when the design does not fit or misses timing.
    """
    from bnnhw.flow.build import build_bitstream, build_json, portable_note
    from bnnhw.flow.design import Design
    from bnnhw.flow.fold import as_board
    from bnnhw.flow.pins import with_link

    if not store and (wanted.dataset, wanted.random, wanted.count) != (None, None, None):
        raise RequestError("--dataset, --random and --count must come with --store, which puts frames on the chip")
    chosen = as_board(board)
    linked = with_link(chosen, None if design.is_dir() else link, placed=False)
    opened = open_path(session, design, linked, folding, writable=writable)
    technology, model = None, design
    if isinstance(opened, Design):
        technology, model = opened.technology, None
        if (note := portable_note(opened, chosen)) is not None:
            session.say(note)
    frames = load_frames(session, opened.network, wanted) if store else None
    with session.progress("build") as update:
        result = build_bitstream(
            opened,
            chosen,
            output,
            seed=seed,
            explored=explore or 0,
            freq_mhz=freq,
            link=link,
            pins=pins,
            baud=baud,
            model=model,
            store=frames,
            store_count=wanted.count or wanted.random,
            progress=update,
        )
    for step, seconds in result.stages_s.items():
        session.say(f"  {step:<12} {'unchanged' if step in result.skipped else f'{seconds:7.1f} s'}")

    def show(console: Console) -> None:
        verdict = "met" if result.timing_met else "MISSED"
        console.print(str(result.bitstream), markup=False)
        console.print(f"Fmax {result.fmax_mhz:.2f} MHz, built for {result.clock_mhz:g} MHz: timing {verdict}")
        if (explored := data["explored"]) is not None:
            console.print(_spread(explored, data["seed"]), markup=False)
        console.print(f"{frames_per_second(result.figures())}, latency {result.latency_us:.1f} us")
        if (said := data["store"]) is not None:
            console.print(f"{said['frames']} frames of {said['dataset']} on the chip", markup=False)
        if result.link_note is not None:
            console.print(result.link_note, markup=False)
        if result.prediction_error:
            console.print(f"estimated beforehand: {_off(result)}", markup=False)
        for name, entry in result.utilization.items():
            console.print(f"  {name:<16} {entry['used']:>6} of {entry['available']}", markup=False)
        if result.timing_met:
            show_steps(console, after_build(output, chosen, board, () if store else ("--input", "FILE")))

    data = build_json(result, chosen, technology)
    session.result(data, show)
    result.check_timing()


def _off(result: BuildResult) -> str:
    """The estimate of the folding, and by how much it was off."""
    words = {"cells": "logic cells", "lut4": "LUT4", "ff": "registers", "bram": "block RAMs"}
    found = [
        f"{result.predicted[key]} {word} ({100 * result.prediction_error[key]:+.1f} %)"
        for key, word in words.items()
        if key in result.prediction_error
    ]
    if result.fmax_error is not None:
        found.append(f"{result.fmax_estimate_mhz:.1f} MHz ({100 * result.fmax_error:+.1f} %)")
    return ", ".join(found)


def _spread(explored: dict[str, Any], seed: int) -> str:
    """How far the attempts of ``--explore`` differ, in a line."""
    attempts = explored["attempts"]
    routed = sum("failed" not in one for one in attempts)
    failed = "" if routed == len(attempts) else f", {len(attempts) - routed} not routed"
    low, middle, high = (explored[f"fmax_{name}_mhz"] for name in ("min", "median", "max"))
    return (
        f"{len(attempts)} attempts: {low:.2f} to {high:.2f} MHz, median {middle:.2f}; {explored['met']} met timing"
        f"{failed}; kept seed {seed}"
    )
