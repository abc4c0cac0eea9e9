"""``bnnhw simulate``: the generated Verilog against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.options import count_option, data_option
from bnnhw.cli.session import Session, verb
from bnnhw.errors import CheckError

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.cli.design import Design

__all__ = ["check", "simulate", "simulate_design"]


def simulate_design(
    session: Session,
    design: Design,
    dataset: str,
    data: Path | None,
    count: int | None,
    stall: float,
    wave: Path | None,
    layers: bool = True,
) -> dict[str, Any]:
    """Simulates with a progress bar; the JSON result of the verb."""
    from bnnhw.cli.design import folded_for
    from bnnhw.cli.evaluate import load_frames
    from bnnhw.sim.simulate import simulate as run

    codes, labels = load_frames(design.network, dataset, data, "test", count)
    folded = design.folded or folded_for(design.network, None, None)
    top, text = ("accelerator", None) if design.directory is None else design.core()
    with session.progress("simulate") as update:
        result = run(
            folded,
            codes,
            labels=labels,
            verilog=text,
            top=top,
            technology=design.sidecar.get("technology", "generic"),
            stall=stall,
            wave=wave,
            progress=update,
            layers=layers,
        )
    return {
        "dataset": dataset,
        "images": result.images,
        "mismatches": result.mismatches,
        "details": [str(mismatch) for mismatch in result.details],
        "layers": result.layers,
        "layer_mismatches": [str(mismatch) for mismatch in result.layer_mismatches],
        "accuracy": result.accuracy,
        "cycles_per_frame": result.cycles_per_frame,
        "predicted_cycles_per_frame": result.predicted_cycles_per_frame,
        "latency_cycles": result.latency_cycles,
        "predicted_latency_cycles": result.predicted_latency_cycles,
        "frames_per_s": result.frames_per_s,
        "stall": stall,
        "stages_s": {"verilate": result.verilate_s, "compile": result.compile_s, "run": result.run_s},
    }


def check(data: dict[str, Any]) -> None:
    """Raises :class:`~bnnhw.errors.CheckError` when outputs or cycles are not those promised."""
    # What comes after the first layer that differs may merely follow from it.
    first = data["layer_mismatches"][:1]
    if data["mismatches"]:
        told = [f"{data['mismatches']} of {data['images']} frames differ; the first: {data['details'][0]}", *first]
        raise CheckError("; ".join(told))
    if first:
        raise CheckError(f"all classes and scores agree, but not what is inside: {first[0]}")
    for what, key in (("cycles per frame", "cycles_per_frame"), ("latency", "latency_cycles")):
        measured, predicted = data[key], data[f"predicted_{key}"]
        # Few frames have no steady state to measure.
        if measured is not None and predicted is not None and measured != predicted:
            raise CheckError(f"{what} must be {predicted} as predicted, not {measured}")


@verb(
    example="bnnhw simulate design --dataset digits\n"
    "bnnhw simulate design --dataset digits --count 100 --stall 0.3 --wave design.fst"
)
@click.argument("design", metavar="DIR_or_N.bnn", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, metavar="D", help="A name that `bnnhw datasets` lists; its test split.")
@count_option
@click.option(
    "--stall",
    metavar="P",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    show_default=True,
    help="Probability that either side waits, each cycle.",
)
@click.option(
    "--wave",
    metavar="F.fst",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Writes the first frames as a wave.",
)
@click.option(
    "--layers/--no-layers",
    default=True,
    show_default=True,
    help="Compares every layer's stream too, so that a difference is told where it arises.",
)
@data_option
def simulate(
    session: Session,
    design: Path,
    dataset: str,
    count: int | None,
    stall: float,
    wave: Path | None,
    layers: bool,
    data: Path | None,
) -> None:
    """The generated Verilog against the reference.

    Verilator runs every frame, and every word that a layer gives and that comes out is compared.
    A bare N.bnn is folded and generated on the way. Exits with 1 on a mismatch, or when cycles are not those
    predicted.
    """
    from bnnhw.cli.design import open_design

    result = simulate_design(session, open_design(design), dataset, data, count, stall, wave, layers)

    def show(console: Console) -> None:
        console.print(
            f"{result['images']} frames, {result['mismatches']} mismatches, accuracy {100 * result['accuracy']:.2f} %"
        )
        if result["layers"]:
            console.print(f"{result['layers']} layers compared word by word, {len(result['layer_mismatches'])} differ")
        for what, key in (("cycles a frame", "cycles_per_frame"), ("latency", "latency_cycles")):
            console.print(f"{what}: {result[key]} measured, {result[f'predicted_{key}']} predicted")
        console.print(f"{result['frames_per_s']:,.0f} frames simulated a second")

    session.result(result, show)
    check(result)
