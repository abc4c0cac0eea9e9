"""``bnnhw program``: a bitstream onto a board."""

from __future__ import annotations

from pathlib import Path

import click

from bnnhw.cli.paths import BoardName, InputPath
from bnnhw.cli.session import Session, verb

__all__ = ["program"]


@verb(example="bnnhw program bitstream\nbnnhw program bitstream --flash")
@click.argument("build", metavar="DIR", type=InputPath(file_okay=False))
@click.option("--flash", is_flag=True, help="Into the flash that the device starts from.")
@click.option(
    "--board",
    metavar="B",
    type=BoardName(),
    help="The board it was built for, where that is in a file of your own: FILE.py.",
)
def program(session: Session, build: Path, flash: bool, board: str | None) -> None:
    """Loads a board with what `bnnhw build` left in DIR.

    Without --flash the bitstream goes into the device, until power goes, where the board has that way, and into its
    flash where it has not. Which program does it `bnnhw boards NAME` says. Where that program is missing, its command
    is printed, with how to get it, and the exit code is 3; where it fails, what it said, and the exit code is 1. A
    bitstream of another board is refused; one that missed its timing is loaded with a warning.
    """
    from bnnhw.flow.program import plan_programming
    from bnnhw.flow.program import program as run

    plan = plan_programming(build, flash=flash, board=board)
    for warning in plan.warnings:
        session.warn(warning)
    # Alone on a line, to be copied; of a program that is there its own output says enough.
    command = plan.as_dict()["command"]
    session.result({"programmed": False, **plan.as_dict()}, None if plan.tool.found else lambda out: out.print(command))
    with session.stage("program"):
        run(plan)
    where = "flash" if plan.memory == "flash" else "device, until power goes"
    session.result(
        {"programmed": True, **plan.as_dict()},
        lambda console: console.print(f"{plan.board.name}: {plan.bitstream} is in its {where}", markup=False),
    )
