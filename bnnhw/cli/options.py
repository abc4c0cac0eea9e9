"""Options that several verbs have."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["board_option", "count_option", "data_option", "folding_option"]

data_option = click.option(
    "--data",
    metavar="DIR",
    envvar="BNNHW_DATA",
    show_envvar=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Root with one folder per data set.",
)

count_option = click.option(
    "--count", metavar="N", type=click.IntRange(min=1), help="Only the first N frames.  [default: all]"
)

board_option = click.option("--board", metavar="B", required=True, help="A name that `bnnhw boards` lists, or FILE.py.")

folding_option = click.option(
    "--folding",
    metavar="F.json",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What `bnnhw fold` wrote.  [default: the fastest that builds in minutes]",
)
