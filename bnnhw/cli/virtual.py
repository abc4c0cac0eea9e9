"""``bnnhw virtual``: a simulated board behind a pseudo-terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bnnhw.cli.paths import BoardName, InputPath
from bnnhw.cli.session import Session, verb
from bnnhw.cli.terminal import write_out
from bnnhw.processes import Terminated

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["built_options", "virtual"]


def built_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a verb what says which virtual board it runs."""
    for option in (
        click.option(
            "--board", metavar="B", type=BoardName(), help="The file of the board, if it is of your own (FILE.py)."
        ),
        click.option(
            "--bitstream",
            is_flag=True,
            help="The virtual board is the bitstream, unpacked again, where its family can be.",
        ),
        click.option("--netlist", is_flag=True, help="The virtual board is the netlist after synthesis."),
    ):
        command = option(command)
    return command


@verb(example="bnnhw virtual bitstream\nbnnhw virtual bitstream --netlist --json")
@click.argument("folder", metavar="DIR", type=InputPath(file_okay=False))
@built_options
def virtual(session: Session, folder: Path, board: str | None, netlist: bool, bitstream: bool) -> None:
    """A board without a board, at a pseudo-terminal.

    DIR is what `bnnhw build` wrote. The top of the board's design runs in Verilator, pins and serial timing included;
    any program may open the port that is printed, as it opens a serial port; of a board that is not behind one it is
    that of a microcontroller or a USB bridge between. Ctrl-C or SIGTERM ends it.
    """
    from bnnhw.flow.built import open_built
    from bnnhw.flow.run import level_of, simulated_port
    from bnnhw.flow.virtual import pseudo_terminal, serve

    built, level = open_built(folder, board), level_of(netlist=netlist, bitstream=bitstream)
    built.check_protocol()
    with pseudo_terminal() as (terminal, name):
        with session.stage("compile"):
            port = simulated_port(built, level)
        try:
            # At once: whoever started this waits for it.
            write_out((json.dumps({"port": name}) if session.json else name) + "\n")
            # One object it was; what may still go wrong is for stderr.
            session.json = False
            session.say(f"{built.board.name}, {built.link.name}; Ctrl-C ends it")
            serve(built.link.terminal(port), terminal)
        except (KeyboardInterrupt, Terminated):
            session.say("ended")
        finally:
            port.close()
