"""``bnnhw datasets``: what there is to train and test on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bnnhw.cli.frames_options import reading_options
from bnnhw.cli.options import data_option
from bnnhw.cli.paths import DatasetName
from bnnhw.cli.session import Session, verb
from bnnhw.errors import RequestError

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.datasets import Reading

__all__ = ["datasets"]


def _describe(session: Session, path: str, data: Path | None, reading: Reading) -> None:
    """What a data set holds, all of it read."""
    import numpy as np

    from bnnhw.datasets import load

    found = load(path, data, reading)
    x = found.split("all")[0]
    counts = {part: np.bincount(found.split(part)[1], minlength=found.classes).tolist() for part in ("train", "test")}
    described = {
        "available": True,
        "path": path if found.kind is not None else None,
        "shape": list(found.shape),
        "classes": found.classes,
        "kind": found.kind,
        "names": list(found.names),
        **{part: sum(number) for part, number in counts.items()},
        "counts": {name: [counts["train"][i], counts["test"][i]] for i, name in enumerate(found.names)},
        "minimum": float(x.min()),
        "maximum": float(x.max()),
        "notes": list(found.notes),
    }

    def show(console: Console) -> None:
        from rich.markup import escape
        from rich.table import Table

        kind = "" if found.kind is None else f", {found.kind}"
        shape = " x ".join(map(str, found.shape))
        console.print(f"{path}{kind}: samples of {shape}, from {x.min():g} to {x.max():g}", markup=False)
        table = Table("class", box=None, pad_edge=False)
        for part in counts:
            table.add_column(part, justify="right")
        for i, name in enumerate(found.names):
            table.add_row(escape(name), *(str(number[i]) for number in counts.values()))
        table.add_row("in all", *(str(sum(number)) for number in counts.values()))
        console.print(table)

    for note in found.notes:
        session.say(note)
    session.result({"datasets": {path: described}}, show)


@verb(
    example="bnnhw datasets\nbnnhw datasets --data ~/datasets --json\nbnnhw datasets leaves/\n"
    "bnnhw datasets iris.csv --label species"
)
@click.argument("path", required=False, type=DatasetName())
@data_option
@reading_options
def datasets(session: Session, path: str | None, data: Path | None, reading: Reading) -> None:
    """The data sets it knows, and which are here; of a file or folder of yours, what it holds."""
    from bnnhw.datasets import KNOWN, available
    from bnnhw.datasets.reading import FLAGS

    if path is not None:
        _describe(session, path, data, reading)
        return
    if reading.said:
        raise RequestError(f"{FLAGS[next(iter(reading.said))]} must come with a file or folder")
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
