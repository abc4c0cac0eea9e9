"""The HTML page of a run."""

from __future__ import annotations

from pathlib import Path

from bnnhw.files import write_text
from bnnhw.report import collect, render

__all__ = ["write_report"]


def write_report(folder: Path | str) -> Path:
    """Writes ``report.html`` from the JSON files that the steps left in a folder, and returns its path.

    Raises
    ------
    FileError
        When the folder holds none of them.
    """
    folder = Path(folder)
    page = folder / "report.html"
    write_text(page, render(collect(folder)))
    return page
