"""Samples with their classes by name, as a reader of files gives them, and how they are split."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError

__all__ = ["MAX_CLASSES", "Labelled", "class_names", "class_order", "divide"]

MAX_CLASSES = 1000
"""Most classes: far above what networks of this size tell apart."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Samples and their classes.

    Parameters
    ----------
    samples : array (samples, *shape)
    labels : sequence of str
        The class of each.
    where : sequence of str
        Where each stands, for messages: a file, or a file and its line.
    names : tuple of str
        The classes in their order, where the files say it; else it is :func:`class_order`.
    notes : tuple of str
        What is worth knowing of the reading.
    reading : mapping
        What was decided where nothing was said, as fields of :class:`~bnnhw.datasets.reading.Reading`.
    test : Labelled, optional
        The samples for testing, where one file holds both.
    """

    samples: NDArray[Any]
    labels: Sequence[str]
    where: Sequence[str]
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reading: Mapping[str, Any] = field(default_factory=dict)
    test: Labelled | None = None


def _whole(label: str) -> int | None:
    try:
        value = float(label)
    except ValueError:
        return None
    return int(value) if math.isfinite(value) and value == int(value) else None


def class_names(labels: Sequence[str], where: Sequence[str]) -> list[str]:
    """Labels of a column as names of classes: whole numbers in one way of writing, other text as it is.

    Raises
    ------
    FileError
        One is empty, or all are numbers and some not whole.
    """
    for label, place in zip(labels, where, strict=True):
        if not label or label.lower() == "nan" or label == "?":
            raise FileError(f"{place}: class must not be missing ({label!r})")
    numbers = {label: _whole(label) for label in set(labels)}
    if all(value is not None for value in numbers.values()):
        return [str(numbers[label]) for label in labels]
    if all(_is_number(label) for label in numbers):
        at = next(i for i, label in enumerate(labels) if numbers[label] is None)
        raise FileError(f"{where[at]}: class must be a name or a whole number, not {labels[at]!r}")
    return list(labels)


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True


def class_order(labels: Sequence[str]) -> tuple[str, ...]:
    """The classes that occur: numbers in their order, other names in that of their letters."""
    found = set(labels)
    if all(_whole(label) is not None for label in found):
        return tuple(sorted(found, key=lambda label: (_whole(label), label)))
    return tuple(sorted(found))


def indices(labels: Sequence[str], where: Sequence[str], names: Sequence[str], of: str) -> NDArray[np.int64]:
    """The place of each label among ``names``; :class:`~bnnhw.errors.FileError` names a sample that has none."""
    places = {name: i for i, name in enumerate(names)}
    for label, place in zip(labels, where, strict=True):
        if label not in places:
            raise FileError(f"{place}: class must be one of {', '.join(names[:10])}, as {of}, not {label!r}")
    return np.array([places[label] for label in labels], np.int64)


def divide(
    classes: NDArray[np.int64], where: Sequence[str], names: Sequence[str], fraction: float, seed: int
) -> NDArray[np.bool_]:
    """Which samples are for testing: a share of each class, at least one, and at least one is left.

    The samples of each class, in their order, are permuted with NumPy's PCG64 and the first ones taken, so the split is
    the same wherever it is made.

    Raises
    ------
    FileError
        A class has a single sample.
    """
    generator = np.random.default_rng(seed)
    test = np.zeros(len(classes), bool)
    for number, name in enumerate(names):
        members = np.flatnonzero(classes == number)
        if len(members) == 1:
            raise FileError(
                f"{where[members[0]]}: is the only sample of class {name!r}: a class needs 2, to train and to test"
            )
        taken = min(max(round(fraction * len(members)), 1), len(members) - 1)
        test[generator.permutation(members)[:taken]] = True
    return test
