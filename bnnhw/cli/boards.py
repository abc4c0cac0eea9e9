"""``bnnhw boards``: what there is to build for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bnnhw.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["boards"]


@verb(example="bnnhw boards\nbnnhw boards icebreaker --json")
@click.argument("name", required=False)
def boards(session: Session, name: str | None) -> None:
    """The boards: device, clock, resources, links."""
    from bnnhw.boards import all_boards, get

    chosen = list(all_boards().values()) if name is None else [get(name)]
    data = {
        board.name: {
            "device": board.device,
            "package": board.package,
            "lut": board.lut4,
            "bram_bits": board.bram_bits,
            "spram_bits": board.spram_bits,
            "clock_mhz": board.clock_mhz,
            "oscillator_mhz": board.oscillator_mhz,
            "links": list(board.links),
            "bridge_baud": board.bridge_baud,
        }
        for board in chosen
    }

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

    session.result({"boards": data}, show)
