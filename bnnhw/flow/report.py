"""The HTML page of a run."""

from __future__ import annotations

from pathlib import Path

from bnnhw.files import check_output, seal, write_text
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
    check_output(page, "page")
    write_text(page, f"{render(collect(folder))}\n<!-- {seal('page')} -->\n", "page")
    return page
