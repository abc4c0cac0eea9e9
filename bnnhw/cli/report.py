"""``bnnhw report``: one HTML page."""

from __future__ import annotations

from pathlib import Path

import click

from bnnhw.cli.paths import InputPath
from bnnhw.cli.session import Session, verb

__all__ = ["report"]


@verb(example="bnnhw report build/demo")
@click.argument("directory", metavar="DIR", type=InputPath())
def report(session: Session, directory: Path) -> None:
    """One HTML page of a run.

    It is made from the JSON files that the other verbs left in DIR, and refers to no other file.
    """
    from bnnhw.flow.report import write_report

    page = write_report(directory)
    session.result({"report": str(page)}, lambda console: console.print(str(page), markup=False, soft_wrap=True))
