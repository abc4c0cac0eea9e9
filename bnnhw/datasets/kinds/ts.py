"""Time series in the text format of timeseriesclassification.com and sktime."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.kinds.kind import Kind
from bnnhw.datasets.labelled import Labelled, class_names
from bnnhw.datasets.reading import Reading
from bnnhw.datasets.text import numbers, read_lines
from bnnhw.errors import FileError

__all__ = ["KIND", "Ts"]


class Ts(Kind):
    """A line per sample: the values of each channel with commas between, colons between channels, the class last.

    Lines of ``@`` words before, ``@classLabel true`` among them. One sample is (channels, 1, length) of float32.
    """

    name: ClassVar[str] = "ts"
    noun: ClassVar[str] = "a .ts file of time series"

    def matches(self, path: Path) -> bool:
        return path.is_file() and path.suffix.lower() == ".ts"

    def read(self, path: Path, reading: Reading) -> Labelled:
        del reading
        body, labelled = list[tuple[int, str]](), False
        data = False
        for at, line in read_lines(path):
            words = line.lower().split()
            if line.startswith(("#", "%")):
                continue
            if data:
                body.append((at, line))
            elif words[0] == "@data":
                data = True
            elif words[0] == "@timestamps" and words[1:] == ["true"]:
                raise FileError(f"{path}:{at}: series with time stamps are not read")
            elif words[0] == "@classlabel":
                labelled = words[1:2] == ["true"]
            elif not line.startswith("@"):
                raise FileError(f"{path}:{at}: must begin with @ up to the line @data, not {line[:40]!r}")
        if not body:
            raise FileError(f"{path}: must have series behind a line @data, and has none")
        if not labelled:
            raise FileError(f"{path}: must have classes, '@classLabel true ...'")
        where = [f"{path}:{at}" for at, _ in body]
        split = [line.rsplit(":", 1) for _, line in body]
        for parts, place in zip(split, where, strict=True):
            if len(parts) != 2:
                raise FileError(f"{place}: must end with a colon and a class")
        series = [_channels(parts[0], place) for parts, place in zip(split, where, strict=True)]
        for array, place in zip(series, where, strict=True):
            if array.shape != series[0].shape:
                channels, _, length = array.shape
                raise FileError(
                    f"{place}: has {channels} x {length} values, and {where[0]} {series[0].shape[0]} x "
                    f"{series[0].shape[2]}: series must be of one length"
                )
        return Labelled(np.stack(series), class_names([parts[1].strip() for parts in split], where), where)


def _channels(text: str, where: str) -> NDArray[np.float32]:
    rows = [channel.split(",") for channel in text.split(":")]
    if len({len(row) for row in rows}) > 1:
        raise FileError(f"{where}: channels must be of one length, not {', '.join(str(len(row)) for row in rows)}")
    values = [numbers(row, where, [f"value {i}" for i in range(1, len(row) + 1)]) for row in rows]
    return np.stack(values)[:, None, :]


KIND = Ts()
