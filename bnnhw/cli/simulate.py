"""``bnnhw simulate``: the generated Verilog against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bnnhw.cli.frames_options import frames_options
from bnnhw.cli.inputs import load_frames, open_path
from bnnhw.cli.paths import InputPath, Number, OutputFile
from bnnhw.cli.session import Session, verb
from bnnhw.errors import RequestError

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.flow.frames import Wanted

__all__ = ["simulate"]


@verb(
    example="bnnhw simulate design --dataset digits\n"
    "bnnhw simulate design --dataset digits --count 100 --stall 0.3 --wave design.fst\n"
    "bnnhw simulate any.bnn --random 500"
)
@click.argument("design", metavar="DIR_or_N.bnn", type=InputPath())
@frames_options
@click.option(
    "--stall",
    metavar="P",
    type=Number(0, 1, max_open=True),
    default=0.0,
    show_default=True,
    help="Probability that either side waits, each cycle.",
)
@click.option(
    "--wave",
    metavar="F.fst",
    type=OutputFile("wave"),
    help="Writes the first frames as a wave, and the groups of its streams, F.gtkw, which GTKWave and Surfer open.",
)
@click.option("--wave-frames", metavar="N", type=click.IntRange(1, 100_000), help="How many of them.  [default: 2]")
@click.option(
    "--layers/--no-layers",
    default=True,
    show_default=True,
    help="Compares every layer's stream too, so that a difference is told where it arises.",
)
def simulate(
    session: Session,
    design: Path,
    wanted: Wanted,
    stall: float,
    wave: Path | None,
    wave_frames: int | None,
    layers: bool,
) -> None:
    """The generated Verilog against the reference.

    Verilator runs every frame, and every word that a layer gives and that comes out is compared.
    A bare N.bnn is folded and generated on the way. Exits with 1 on a mismatch, or when cycles are not those
    predicted. Of a generated folder the results are kept in it, for `bnnhw report`.
    """
    from bnnhw.cli.inputs import left_out_note
    from bnnhw.files import check_output
    from bnnhw.flow.design import Design
    from bnnhw.flow.frames import class_rows
    from bnnhw.flow.kept import keep_simulation, kept_json
    from bnnhw.flow.simulate import check_simulation, simulation_json
    from bnnhw.flow.simulate import simulate as run
    from bnnhw.sim.wave_groups import groups_path

    if wave_frames is not None and wave is None:
        raise RequestError("--wave-frames must come with --wave")
    if wave is not None:
        check_output(groups_path(wave), "groups")
    opened = open_path(session, design)
    frames = load_frames(session, opened.network, wanted)
    with session.progress("simulate") as update:
        found = run(
            opened,
            frames.samples,
            frames.labels,
            stall=stall,
            wave=wave,
            wave_frames=wave_frames or 2,
            layers=layers,
            progress=update,
        )
    told = simulation_json(found, frames.name, stall)
    if isinstance(opened, Design):
        why = keep_simulation(opened, kept_json(opened, told, found, frames))
        if why is not None:
            session.warn(f"not kept for the report: {why}")
    result = told | {
        "classes": class_rows(frames.names, found.classes, frames.labels),
        "warnings": session.warnings,
    }

    def show(console: Console) -> None:
        right = "" if result["accuracy"] is None else f", accuracy {100 * result['accuracy']:.2f} %"
        console.print(f"{result['images']} frames, {result['mismatches']} mismatches{right}")
        if result["layers"]:
            console.print(f"{result['layers']} layers compared word by word, {len(result['layer_mismatches'])} differ")
            if result["left_out"]:
                console.print(left_out_note(result["left_out"]), markup=False)
        for what, key in (("cycles per frame", "cycles_per_frame"), ("latency", "latency_cycles")):
            console.print(f"{what}: {result[key]} measured, {result[f'predicted_{key}']} predicted")
        console.print(f"{result['frames_per_s']:,.0f} frames simulated per second")

    session.result(result, show)
    check_simulation(result)
