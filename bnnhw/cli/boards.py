"""``bnnhw boards``: what there is to build for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bnnhw.cli.options import link_option, pins_option
from bnnhw.cli.session import Session, verb
from bnnhw.errors import RequestError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["boards"]


@verb(example="bnnhw boards\nbnnhw boards icebreaker --json\nbnnhw boards tinyfpga-bx --pins rx=gpio_0:14,tx=gpio_0:15")
@click.argument("name", required=False)
@link_option
@pins_option
def boards(session: Session, name: str | None, link: str | None, pins: str | None) -> None:
    """The boards: device, clock, resources, links; of one also pins, lamps and what programs it."""
    from bnnhw.boards import all_boards, get
    from bnnhw.flow.boards import describe_board, tell_board
    from bnnhw.flow.pins import with_link

    if pins is not None and name is None:
        raise RequestError("--pins must come with a board's name, whose pins they are")
    if link is not None and name is None:
        raise RequestError("--link must come with a board's name, whose link it is")
    chosen = list(all_boards().values()) if name is None else [with_link(get(name), link, pins)]
    data = {board.name: describe_board(board, whole=name is not None) for board in chosen}

    def show(console: Console) -> None:
        from rich.table import Table

        table = Table("board", "device", "package", box=None, pad_edge=False)
        for heading in ("LUT4", "block RAM bits", "single-port RAM bits", "clock MHz"):
            table.add_column(heading, justify="right")
        table.add_column("links")
        table.add_column("baud at most", justify="right")
        for board in chosen:
            numbers = (f"{n:,}" for n in (board.lut4, board.bram_bits, board.spram_bits))
            baud = "" if board.bridge_baud is None else f"{board.bridge_baud:,}"
            links = ", ".join(board.links)
            table.add_row(board.name, board.device, board.package, *numbers, f"{board.clock_mhz:g}", links, baud)
        console.print(table)
        if name is not None:
            for line in tell_board(chosen[0]):
                console.print(line, markup=False)

    session.result({"boards": data}, show)
