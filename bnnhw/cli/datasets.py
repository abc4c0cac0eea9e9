"""``bnnhw datasets``: what there is to train and test on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bnnhw.cli.options import data_option
from bnnhw.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["datasets"]


@verb(example="bnnhw datasets\nbnnhw datasets --data ~/datasets --json")
@data_option
def datasets(session: Session, data: Path | None) -> None:
    """The data sets it knows, and which are here."""
    from bnnhw.datasets import KNOWN, available

    found = {name: available(name, data) for name in KNOWN}

    def show(console: Console) -> None:
        from rich.table import Table

        table = Table("data set", "here", "shape", "classes", "folder", box=None, pad_edge=False)
        for name, entry in found.items():
            shape = " x ".join(map(str, entry.shape))
            here = "yes" if entry.available else "no"
            without = "comes with bnnhw" if name == "digits" else "generated"
            table.add_row(name, here, shape, str(entry.classes), str(entry.path or without))
        console.print(table)

    session.result(
        {
            "datasets": {
                name: {
                    "available": entry.available,
                    "path": None if entry.path is None else str(entry.path),
                    "shape": list(entry.shape),
                    "classes": entry.classes,
                }
                for name, entry in found.items()
            }
        },
        show,
    )
