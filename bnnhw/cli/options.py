"""Options that several verbs have."""

from __future__ import annotations

import click

from bnnhw.cli.paths import BoardName, InputPath
from bnnhw.links import LINKS, BoardLink

__all__ = [
    "baud_option",
    "board_option",
    "count_option",
    "data_option",
    "folding_option",
    "link_option",
    "pins_option",
    "writable_option",
]

_BOARD_LINKS = [link for link in LINKS.values() if isinstance(link, BoardLink)]

data_option = click.option(
    "--data",
    metavar="DIR",
    envvar="BNNHW_DATA",
    show_envvar=True,
    type=InputPath(file_okay=False),
    help="Root with one folder per data set.",
)

count_option = click.option(
    "--count", metavar="N", type=click.IntRange(min=1), help="Only the first N frames.  [default: all]"
)

board_option = click.option(
    "--board", metavar="B", type=BoardName(), required=True, help="A name that `bnnhw boards` lists, or FILE.py."
)

link_option = click.option(
    "--link",
    type=click.Choice([link.name for link in _BOARD_LINKS]),
    help="What the board is reached by.  [default: that of the design, or the board's first]",
)

pins_option = click.option(
    "--pins",
    metavar="S=P,...",
    help="Pins of the link, CONNECTOR_NUMBER:PIN or of the package: "
    + ", or ".join(link.pins_form for link in _BOARD_LINKS)
    + ".  [default: the board's]",
)

baud_option = click.option(
    "--baud",
    metavar="N",
    type=click.IntRange(min=1),
    help="Rate of the serial link, up to that of the board's bridge (`bnnhw boards`).  [default: the board's]",
)

folding_option = click.option(
    "--folding",
    metavar="F.json",
    type=InputPath(dir_okay=False),
    help="What `bnnhw fold` wrote.  [default: what `bnnhw fold` chooses without options]",
)

writable_option = click.option(
    "--writable",
    is_flag=True,
    help="Weights and thresholds can be replaced while the device runs (`bnnhw load`): they are in block RAM or SPRAM.",
)
