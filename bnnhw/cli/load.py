"""``bnnhw load``: weights of another network into a board that runs."""

from __future__ import annotations

from pathlib import Path

import click

from bnnhw.cli.paths import InputPath
from bnnhw.cli.session import Session, verb
from bnnhw.cli.virtual import built_options

__all__ = ["load"]


@verb(
    example="bnnhw load bitstream retrained.bnn --port /dev/ttyUSB1\n"
    "bnnhw load bitstream retrained.bnn --virtual\n"
    "bnnhw run bitstream --virtual --weights retrained.bnn --dataset digits --check"
)
@click.argument("folder", metavar="DIR", type=InputPath(file_okay=False))
@click.argument("network", metavar="N.bnn", type=InputPath())
@click.option("--port", metavar="P", help="The port that the board is at: /dev/ttyUSB1, COM4.")
@click.option("--virtual", "virtual_board", is_flag=True, help="A simulated board instead.")
@built_options
def load(
    session: Session,
    folder: Path,
    network: Path,
    port: str | None,
    virtual_board: bool,
    board: str | None,
    netlist: bool,
    bitstream: bool,
) -> None:
    """Weights of another network of the same shape, without a rebuild.

    DIR is what `bnnhw build --writable` wrote. Frames that the board has accepted are answered by the network that was
    there, those behind them by the new one. The image is checked by its CRC: after one that is damaged the board takes
    no frames until it has another. What power off clears is loaded again. Exits with 1 when no board answers, and when
    it does not take the image.
    """
    from bnnhw.flow.built import open_built
    from bnnhw.flow.load import check_writable
    from bnnhw.flow.network import open_network
    from bnnhw.flow.run import open_board

    loaded = open_network(network)
    # Before a board is looked for, or compiled.
    check_writable(open_built(folder, board))
    with session.stage("open"):
        opened = open_board(folder, port=port, virtual=virtual_board, netlist=netlist, bitstream=bitstream, board=board)
    with opened, session.stage("load"):
        crc = opened.load(loaded)
    session.result(
        {"loaded": str(network), "crc": crc, "port": opened.port_name},
        lambda console: console.print(f"{opened.port_name}: {network}, CRC-32 {crc}", markup=False),
    )
