"""``bnnhw generate``: Verilog to drop into any project."""

from __future__ import annotations

from pathlib import Path

import click

from bnnhw.cli.inputs import choose_folding, frames_per_second
from bnnhw.cli.options import baud_option, folding_option, pins_option, writable_option
from bnnhw.cli.paths import BoardName, InputPath, OutputDirectory
from bnnhw.cli.session import Session, verb
from bnnhw.errors import RequestError
from bnnhw.links import DEFAULT, LINKS

__all__ = ["generate"]


def _summaries(needs_board: bool) -> str:
    return ", ".join(link.summary or link.name for link in LINKS.values() if link.needs_board == needs_board)


@verb(
    example="bnnhw generate digits.bnn -o design\n"
    "bnnhw generate digits.bnn --board icebreaker --folding folding.json -o design\n"
    "bnnhw generate digits.bnn --board icebreaker --link uart --baud 3000000 -o design"
)
@click.argument("network", metavar="N.bnn", type=InputPath())
@click.option(
    "--board",
    metavar="B",
    type=BoardName(),
    help="Uses the memories of this board's device.  [default: portable Verilog]",
)
@folding_option
@writable_option
@click.option(
    "--link",
    type=click.Choice(list(LINKS)),
    default=DEFAULT,
    show_default=True,
    help=f"How frames enter and results leave: {_summaries(False)}, or through pins of a board: {_summaries(True)}.",
)
@pins_option
@baud_option
@click.option("--name", metavar="N", help="Begins the name of every module, for several networks in one project.")
@click.option("--data-width", metavar="BITS", type=int, help="Bits per beat of frames, for AXI4-Stream.  [default: 32]")
@click.option(
    "--result-width",
    metavar="BITS",
    type=int,
    help="Bits per beat of results, for AXI4-Stream.  [default: a result in one beat]",
)
@click.option("--scores", is_flag=True, help="Results have the scores of all classes, not the winner's alone.")
@click.option("-o", "output", metavar="DIR", required=True, type=OutputDirectory("design"), help="The folder to write.")
def generate(
    session: Session,
    network: Path,
    board: str | None,
    folding: Path | None,
    writable: bool,
    link: str,
    pins: str | None,
    baud: int | None,
    name: str | None,
    data_width: int | None,
    result_width: int | None,
    scores: bool,
    output: Path,
) -> None:
    """Writes Verilog for any project.

    With it come the folding, the network itself, a self-checking testbench, an instantiation template, a FuseSoC core
    file, and a JSON sidecar (design.json) that describes ports, and how frames and results lie in beats.
    """
    from bnnhw.flow.fold import as_board
    from bnnhw.flow.generate import generate as run
    from bnnhw.flow.network import open_network
    from bnnhw.flow.pins import with_link

    if output.suffix == ".v":
        raise RequestError(f"-o must be a folder, not {str(output)!r}: the Verilog comes with its folding and network")
    chosen = None if board is None else as_board(board)
    if LINKS[link].needs_board and chosen is None:
        raise RequestError(f"--link {link} must come with --board: {LINKS[link].why_board}")
    if pins is not None and chosen is None:
        raise RequestError("--pins must come with --board, whose pins they are")
    if baud is not None and chosen is None:
        raise RequestError("--baud must come with --board, whose link it is")
    if chosen is not None and LINKS[link].needs_board:
        chosen = with_link(chosen, link, pins)
    folded = choose_folding(session, open_network(network), chosen, folding, writable=writable)
    with session.stage("generate"):
        sidecar = run(
            folded,
            output,
            board=chosen,
            link=link,
            pins=pins,
            baud=baud,
            model=network,
            name=name,
            data_width=data_width,
            result_width=result_width,
            scores=scores,
        ).sidecar
    data = {
        "verilog": [str(output / name) for name in sidecar["verilog"]],
        "top": sidecar["top"],
        "cycles_per_frame": sidecar["cycles_per_frame"],
        "latency_cycles": sidecar["latency_cycles"],
        "fps": sidecar["fps"],
        "link_fps": sidecar["link_fps"],
        "directory": str(output),
    }
    cycles = f"{data['cycles_per_frame']} cycles per frame, latency {data['latency_cycles']} cycles"
    speed = "" if data["fps"] is None else f": {frames_per_second(data)}"
    session.result(data, lambda console: console.print(f"{output}: {cycles}{speed}", markup=False))
