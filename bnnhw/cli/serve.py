"""``bnnhw serve``: a page that shows a design at work."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bnnhw.cli.frames_options import frames_options
from bnnhw.cli.paths import InputPath
from bnnhw.cli.session import Session, verb
from bnnhw.cli.terminal import write_out
from bnnhw.cli.virtual import built_options
from bnnhw.errors import RequestError
from bnnhw.processes import Terminated

if TYPE_CHECKING:
    from bnnhw.flow.frames import Wanted

__all__ = ["serve"]


@verb(
    example="bnnhw serve build/demo\n"
    "bnnhw serve design --dataset mnist --data ~/datasets\n"
    "bnnhw serve bitstream --serial /dev/ttyUSB1"
)
@click.argument("path", metavar="DIR_or_N.bnn", type=InputPath())
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    help="TCP port of the page, 0 for any.  [default: 8765, or any if that is taken]",
)
@click.option("--serial", metavar="P", help="Asks the board at this port too: /dev/ttyUSB1, COM4.")
@click.option("--virtual", "virtual_board", is_flag=True, help="Asks a simulated board too, pins and link included.")
@built_options
@click.option("--open/--no-open", "browse", default=False, help="Opens the page in the browser.")
@frames_options
def serve(
    session: Session,
    path: Path,
    port: int | None,
    serial: str | None,
    virtual_board: bool,
    board: str | None,
    netlist: bool,
    bitstream: bool,
    browse: bool,
    wanted: Wanted,
) -> None:
    """A page that shows a design at work.

    Draw, drop a file, take a frame of a data set, or speak: the accelerator's Verilog runs it in Verilator, and the
    page shows class and scores, what every layer gave, and every word's way through the units, cycle by cycle. All
    words are compared with the reference. The page is for this machine alone (127.0.0.1). Ctrl-C ends it.
    """
    from bnnhw.cli.inputs import tell_frames
    from bnnhw.flow.run import open_board
    from bnnhw.serve.app import open_page
    from bnnhw.serve.opening import find_design, frames_to_choose
    from bnnhw.serve.workbench import Workbench

    asked = serial is not None or virtual_board or netlist or bitstream
    if not asked and board is not None:
        raise RequestError("--board must come with --serial or --virtual")
    design = find_design(path)
    frames, why = frames_to_choose(design.network, wanted)
    if frames is not None:
        tell_frames(session, frames)
    if why is not None:
        session.say(why)
    with ExitStack() as stack:
        opened = None
        if asked:
            with session.stage("board"):
                opened = stack.enter_context(
                    open_board(
                        path, port=serial, virtual=serial is None, netlist=netlist, bitstream=bitstream, board=board
                    )
                )
        with session.stage("compile"):
            workbench = Workbench(design, path.resolve().name, frames, opened)
        page = open_page(workbench, port)
        stack.callback(page.server.server_close)
        try:
            # At once: whoever started this waits for it.
            write_out((json.dumps({"url": page.url}) if session.json else page.url) + "\n")
            # One object it was; what may still go wrong is for stderr.
            session.json = False
            session.say("Ctrl-C ends it")
            if browse:
                click.launch(page.url)
            page.serve()
        except (KeyboardInterrupt, Terminated):
            session.say("ended")
