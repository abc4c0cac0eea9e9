"""Tables and time series in Weka's format."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from bnnhw.datasets.kinds.kind import Kind
from bnnhw.datasets.kinds.table import shaped
from bnnhw.datasets.labelled import Labelled, class_names
from bnnhw.datasets.reading import Reading
from bnnhw.datasets.text import numbers, read_lines
from bnnhw.errors import FileError

__all__ = ["KIND", "Arff"]

NUMERIC = frozenset({"numeric", "real", "integer"})

ATTRIBUTE = re.compile(r"""@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s{]+)\s*(.+)""", re.IGNORECASE)


@dataclass
class _Header:
    """The attributes: names, types in small letters, and the values of those that list them."""

    names: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    values: list[list[str]] = field(default_factory=list)

    def add(self, where: str, line: str) -> None:
        found = ATTRIBUTE.fullmatch(line)
        if found is None:
            raise FileError(f"{where}: must be '@attribute NAME TYPE', not {line[:60]!r}")
        name, kind = found[1].strip("'\""), found[2].strip()
        if kind.startswith("{"):
            if not kind.endswith("}"):
                raise FileError(f"{where}: the values of attribute {name!r} must end with a brace")
            self.types.append("nominal")
            self.values.append(_cells(where, kind[1:-1]))
        else:
            self.types.append(kind.split()[0].lower())
            self.values.append([])
        self.names.append(name)


def _cells(where: str, line: str) -> list[str]:
    quote = "'" if "'" in line else '"'
    try:
        (row,) = csv.reader([line], quotechar=quote, escapechar="\\", skipinitialspace=True, strict=True)
    except (csv.Error, ValueError) as error:
        raise FileError(f"{where}: {error}") from None
    return [cell.strip() for cell in row]


class Arff(Kind):
    """Numeric attributes and one of classes: the one said, else the last nominal one.

    One sample is (1, 1, attributes) of float32, as the UCR archive keeps series, or a map of the shape said.
    """

    name: ClassVar[str] = "arff"
    noun: ClassVar[str] = "an ARFF file"
    options: ClassVar[tuple[str, ...]] = ("label", "ignore", "shape")

    def matches(self, path: Path) -> bool:
        return path.is_file() and path.suffix.lower() == ".arff"

    def read(self, path: Path, reading: Reading) -> Labelled:
        header, body = _Header(), list[tuple[int, str]]()
        data = False
        for at, line in read_lines(path):
            if line.startswith("%"):
                continue
            word = line.split()[0].lower()
            if data:
                body.append((at, line))
            elif word == "@data":
                data = True
            elif word == "@attribute":
                header.add(f"{path}:{at}", line)
            elif word != "@relation":
                raise FileError(f"{path}:{at}: must begin with @relation, @attribute or @data, not {line[:40]!r}")
        if not data or not body:
            raise FileError(f"{path}: must have samples behind a line @data, and has none")
        label = _label(path, header, reading)
        ignored = {_attribute(path, header, name, "--ignore") for name in reading.ignore}
        chosen = [i for i in range(len(header.names)) if i != label and i not in ignored]
        for i in chosen:
            if header.types[i] not in NUMERIC:
                what = f"attribute {header.names[i]!r} must be numeric, not {header.types[i]}"
                raise FileError(f"{path}: {what}; --ignore leaves it out")
        if not chosen:
            raise FileError(f"{path}: must have at least one numeric attribute beside {header.names[label]!r}")
        names = [f"attribute {header.names[i]!r}" for i in chosen]
        rows, labels, where = [], [], []
        for at, line in body:
            place = f"{path}:{at}"
            if line.startswith("{"):
                raise FileError(f"{place}: sparse samples are not read; write all values")
            cells = _cells(place, line)
            if len(cells) != len(header.names):
                raise FileError(f"{place}: must have {len(header.names)} values, one per attribute, not {len(cells)}")
            known = header.values[label]
            if known and cells[label] not in known and cells[label] != "?":
                raise FileError(f"{place}: class must be one of {', '.join(known[:10])}, not {cells[label]!r}")
            rows.append(numbers([cells[i] for i in chosen], place, names))
            labels.append(cells[label])
            where.append(place)
        samples = np.stack(rows)
        samples = samples[:, None, None, :] if reading.shape is None else shaped(path, samples, reading)
        return Labelled(samples, class_names(labels, where), where, reading=reading.said)


def _attribute(path: Path, header: _Header, name: str, option: str) -> int:
    if name in header.names:
        return header.names.index(name)
    raise FileError(f"{path}: has no attribute {name!r} for {option}; its attributes: {', '.join(header.names[:12])}")


def _label(path: Path, header: _Header, reading: Reading) -> int:
    if reading.label is not None:
        return _attribute(path, header, reading.label, "--label")
    nominal = [i for i, kind in enumerate(header.types) if kind == "nominal"]
    if not nominal:
        raise FileError(f"{path}: must have an attribute of classes, '@attribute NAME {{a,b}}'; say which with --label")
    return nominal[-1]


KIND = Arff()
