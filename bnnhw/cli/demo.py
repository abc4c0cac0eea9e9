"""``bnnhw demo``: the whole pipeline on bundled data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bnnhw.cli.inputs import frames_per_second
from bnnhw.cli.next_steps import after_build, show_steps
from bnnhw.cli.options import link_option, pins_option
from bnnhw.cli.paths import BoardName, OutputDirectory
from bnnhw.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["demo"]


@verb(
    example="bnnhw demo -o demo\nbnnhw demo --board ulx3s-85f -o demo\n"
    "bnnhw demo --link spi -o demo\nbnnhw demo --engine lookup -o demo-lookup"
)
@click.option(
    "--board",
    metavar="B",
    type=BoardName(),
    default="icebreaker",
    show_default=True,
    help="A name that `bnnhw boards` lists.",
)
@link_option
@pins_option
@click.option(
    "--engine",
    type=click.Choice(["folded", "lookup"]),
    default="folded",
    show_default=True,
    help="Of the network: weights in memory, or truth tables, which take a frame per cycle.",
)
@click.option(
    "-o",
    "output",
    metavar="DIR",
    type=OutputDirectory("demo"),
    default=Path("bnnhw-demo"),
    show_default=True,
    help="The folder for all artefacts.",
)
def demo(session: Session, board: str, link: str | None, pins: str | None, engine: str, output: Path) -> None:
    """The whole pipeline on bundled data.

    Train, import, fold, generate, simulate, build, report: handwritten digits to a bitstream.

    Run again in the same folder, steps whose inputs have not changed are skipped.
    """
    from bnnhw.flow.demo import demo as run
    from bnnhw.flow.fold import as_board

    done = run(
        output,
        board,
        link=link,
        pins=pins,
        engine=engine,
        stage=session.progress,
        cached=lambda name: session.say(f"{name:<10}  cached"),
    )
    data, simulated, built = done.data, done.simulated, done.built
    for step, seconds in built.stages_s.items():
        session.say(f"  {step:<12} {'unchanged' if step in built.skipped else f'{seconds:7.1f} s'}")

    def show(console: Console) -> None:
        from rich.table import Table

        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_row("accuracy", f"{100 * simulated['accuracy']:.2f} % of {simulated['images']} test frames")
        table.add_row("mismatches", f"{simulated['mismatches']} between Verilog and reference")
        table.add_row(
            "cycles per frame",
            f"{simulated['cycles_per_frame']} measured, {simulated['predicted_cycles_per_frame']} predicted",
        )
        table.add_row(
            "latency", f"{simulated['latency_cycles']} measured, {simulated['predicted_latency_cycles']} predicted"
        )
        table.add_row("Fmax", f"{built.fmax_mhz:.2f} MHz; built for {built.clock_mhz:g} MHz")
        table.add_row("speed", f"{frames_per_second(built.figures())}, latency {built.latency_us:.1f} us")
        table.add_row("link", built.link_note or built.link["name"])
        table.add_row("in all", f"{data['wall_s']:.1f} s")
        for name, path in data["artefacts"].items():
            table.add_row(name, path)
        console.print(table)
        if built.timing_met:
            frames = ("--dataset", "digits", "--count", "20", "--check")
            show_steps(console, after_build(output / "build", as_board(board), board, frames))

    session.result(data, show)
    built.check_timing()
