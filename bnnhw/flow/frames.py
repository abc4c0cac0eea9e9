"""The frames that a verb runs a network on: of a data set, of files of one's own, or random ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets import Reading, Split, is_path, read_split
from bnnhw.datasets.reading import PLAIN
from bnnhw.errors import RequestError
from bnnhw.flow.samples import suit
from bnnhw.ir import InputSpec, Network

__all__ = [
    "Frames",
    "Wanted",
    "class_names",
    "class_rows",
    "evaluation_json",
    "find_frames",
    "kept_reading",
    "random_samples",
]

CLASSES, READING = "classes", "reading"
"""Keys of a network's provenance: its classes and how its data were read, as JSON."""

RANDOM = "random"
"""What stands for the name of a data set where frames are random."""


@dataclass(frozen=True)
class Wanted:
    """Which frames are wanted.

    Parameters
    ----------
    dataset : str, optional
        A name, or a path.
    random : int, optional
        So many random frames instead.
    split : str
        ``"test"``, ``"train"`` or ``"all"``.
    count : int, optional
        Only the first ones.
    data : Path, optional
        The root of the named data sets.
    reading : Reading
        What is said of a path.
    seed : int
        Of random frames.
    """

    dataset: str | None = None
    random: int | None = None
    split: str = "test"
    count: int | None = None
    data: Path | None = None
    reading: Reading = PLAIN
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames that suit a network.

    Parameters
    ----------
    name : str
        Of the data set; ``"random"``.
    samples : array (frames, ...)
    labels : int64 array (frames,) or None
        None for random ones.
    names : tuple of str
        Of the network's classes.
    warnings : tuple of str
        What is strange about them.
    notes : tuple of str
        What is worth knowing.
    """

    name: str
    samples: NDArray[Any]
    labels: NDArray[np.int64] | None
    names: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _decides(network: Network) -> int:
    """How many classes a network tells apart: its one score decides between two."""
    return max(2, network.output.classes)


def class_names(network: Network) -> tuple[str, ...]:
    """The names of a network's classes, as its training left them; none if it left none."""
    try:
        names = json.loads(network.provenance.get(CLASSES, "null"))
    except ValueError:
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return ()
    return tuple(names) if len(set(names)) == len(names) == _decides(network) else ()


def kept_reading(network: Network) -> Mapping[str, Any]:
    """How the data that a network was trained on were read (:meth:`~bnnhw.datasets.Reading.text`)."""
    try:
        kept = json.loads(network.provenance.get(READING, "{}"))
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}


def find_frames(network: Network, wanted: Wanted) -> Frames:
    """The frames that are wanted, in the network's order.

    Data of one's own are read as the network's were where nothing else is said, and their classes are the network's of
    the same names.

    Raises
    ------
    RequestError
        Neither or both of a data set and random frames are wanted, or the data do not suit the network.
    FileError
        The data can't be read.
    """
    if (wanted.dataset is None) == (wanted.random is None):
        raise RequestError("one of --dataset and --random must be given, and not both")
    if wanted.random is not None:
        return _random(network, wanted, wanted.random)
    assert wanted.dataset is not None
    names, notes = class_names(network), list[str]()
    if not is_path(wanted.dataset):
        split = read_split(wanted.dataset, wanted.split, wanted.data, wanted.reading)
        shown = names or (split.names if len(split.names) == _decides(network) else ())
    else:
        split = _own(wanted.dataset, wanted, kept_reading(network), names)
        shown = names or split.names
        notes += split.notes
        if not names:
            listed = ", ".join(f"{i} {name}" for i, name in enumerate(split.names[:12]))
            notes.append(f"the network's classes have no names: they are taken in the order of the data's, {listed}")
    count = wanted.count
    if count is not None and count > len(split.x):
        raise RequestError(f"--count must be at most {len(split.x)} for {_part(wanted)}, not {count}")
    found = suit(network, split.x[:count], len(split.names), wanted.dataset)
    names = shown or tuple(map(str, range(_decides(network))))
    labels = split.y[:count].astype(np.int64)
    return Frames(wanted.dataset, found.samples, labels, names, found.warnings, tuple(notes))


def _part(wanted: Wanted) -> str:
    return wanted.dataset or "" if wanted.split == "all" else f"the {wanted.split} split of {wanted.dataset}"


def _own(path: str, wanted: Wanted, kept: Mapping[str, Any], names: tuple[str, ...]) -> Split:
    """A part of data of one's own, its classes numbered as a network has them."""
    reading = wanted.reading.after({name: value for name, value in kept.items() if _usable(name, value)})
    split = read_split(path, wanted.split, wanted.data, reading, names)
    if names and (unknown := [name for name in split.names if name not in names]):
        raise RequestError(
            f"data set {path} has class {unknown[0]!r}, which the network does not know; its classes are "
            f"{', '.join(names[:12])}"
        )
    return split


def _usable(name: str, value: Any) -> bool:
    """Whether what is kept in a file is something to read data by."""
    try:
        Reading().after({name: value})
    except (RequestError, TypeError, ValueError):
        return False
    return True


def _random(network: Network, wanted: Wanted, number: int) -> Frames:
    if wanted.reading.said or wanted.data is not None:
        raise RequestError("--random must be given without anything about a data set")
    if wanted.count is not None:
        raise RequestError("--count must not be given with --random, which has a number of its own")
    names = class_names(network) or tuple(map(str, range(_decides(network))))
    return Frames(RANDOM, random_samples(network.input, number, wanted.seed), None, names)


def random_samples(spec: InputSpec, number: int, seed: int) -> NDArray[np.float64]:
    """Random samples that reach every level of a network's input, each equally often.

    Parameters
    ----------
    spec : InputSpec
    number : int
    seed : int
        Of NumPy's PCG64.

    Returns
    -------
    float64 array (number, *sample_shape)
        Of thresholds: each of them itself, the least number of its level, and one below the first. Else the elements.
    """
    generator = np.random.default_rng(seed)
    flat = np.empty((number, spec.elements))
    rows = spec.rows or ((),)
    # In the order of the elements as they enter, where those of one row are equally far apart.
    stream = flat.reshape(number, -1, len(rows))
    for row, thresholds in enumerate(rows):
        finite = sorted({value for value in thresholds if np.isfinite(value)})
        if not spec.rows:
            values = spec.dtype.values(np.arange(spec.dtype.levels, dtype=np.uint8)).astype(np.float64)
        elif finite:
            values = np.array([np.nextafter(finite[0], -np.inf), *finite])
        else:
            values = np.zeros(1)
        stream[:, :, row] = values[generator.integers(0, len(values), stream.shape[:2])]
    samples = np.empty_like(flat)
    samples[:, spec.places()] = flat
    return samples.reshape(number, *spec.sample_shape)


def class_rows(
    names: Sequence[str], classes: NDArray[np.int64], labels: NDArray[np.int64] | None
) -> list[dict[str, Any]]:
    """What became of each class, for the JSON of verbs.

    Parameters
    ----------
    names : sequence of str
    classes : int64 array (frames,)
        What the network says.
    labels : int64 array (frames,), optional

    Returns
    -------
    list of dict
        ``name``, ``images`` of the class, ``correct`` of them (both None without labels), ``given``: how often the
        network said it.
    """
    rows = list[dict[str, Any]]()
    for number, name in enumerate(names):
        of = None if labels is None else labels == number
        rows.append(
            {
                "name": name,
                "images": None if of is None else int(of.sum()),
                "correct": None if of is None else int((classes[of] == number).sum()),
                "given": int((classes == number).sum()),
            }
        )
    return rows


def evaluation_json(frames: Frames, classes: NDArray[np.int64]) -> dict[str, Any]:
    """What ``bnnhw evaluate`` says of what a network says.

    ``confusion`` has a row per class of the labels, and a column per class that was given.
    """
    number = len(classes)
    result = {"images": number, "correct": None, "accuracy": None, "classes": [], "confusion": None}
    result["classes"] = class_rows(frames.names, classes, frames.labels)
    if frames.labels is not None:
        correct = int((classes == frames.labels).sum())
        size = max(len(frames.names), 1 + int(max(classes.max(), frames.labels.max())))
        confusion = np.zeros((size, size), np.int64)
        np.add.at(confusion, (frames.labels, classes), 1)
        result |= {"correct": correct, "accuracy": correct / number, "confusion": confusion.tolist()}
    return result
