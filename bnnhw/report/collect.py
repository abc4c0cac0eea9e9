"""Finds the JSON files that the verbs left in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bnnhw.errors import FileError
from bnnhw.files import read_json

__all__ = ["SECTIONS", "collect"]

SECTIONS = {
    "train": "train.json",
    "import": "import.json",
    "network": "network.json",
    "evaluate": "evaluate.json",
    "fold": "fold.json",
    "design": "design.json",
    "simulate": "simulate.json",
    "build": "report.json",
    "floorplan": "floorplan.json",
    "demo": "demo.json",
}
"""The parts of a report, and the file of each: the JSON object of the verb of that name."""


def collect(directory: Path) -> dict[str, dict[str, Any]]:
    """The sections found in a folder and the folders in it, one level down; the folder's own files come first.

    Returns
    -------
    dict of str to dict
        Section name -> its JSON object.

    Raises
    ------
    FileError
        When the folder is not there, holds no section, or one that is not a JSON object.
    """
    if not directory.is_dir():
        raise FileError(f"{directory}: no such folder")
    folders = [directory, *sorted(path for path in directory.iterdir() if path.is_dir())]
    found: dict[str, dict[str, Any]] = {}
    for section, name in SECTIONS.items():
        for folder in folders:
            path = folder / name
            if path.is_file():
                found[section] = read_json(path)
                break
    if not found:
        raise FileError(f"{directory}: must hold at least one of {', '.join(SECTIONS.values())}, and holds none")
    return found
