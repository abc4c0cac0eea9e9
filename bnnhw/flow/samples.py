"""Where a data set meets a network: shapes, classes and ranges that do not go together are refused or said."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import RequestError
from bnnhw.ir import InputSpec, Network

__all__ = ["Suited", "suit"]

FRAMES = 2_000
"""Frames whose range is looked at: they tell it as well as all do."""

FEW = 1 / 4
"""Of the levels of an input: if samples reach no more of them, they are of another range."""

WIDE = 8
"""How many times wider than all thresholds together samples may be."""

LOW = 1 / 100
"""Of the range of samples: a single threshold below that tells the least sample from all others."""

SATURATED = 1 / 3
"""Share of the samples that may lie beyond all thresholds on one side."""

MANY = 7
"""Least number of thresholds whose places say something about the range of samples: those of 3 bits."""


@dataclass(frozen=True)
class Suited:
    """Samples in the network's own order, and what is strange about them."""

    samples: NDArray[Any]
    warnings: tuple[str, ...]


def suit(network: Network, samples: NDArray[Any], classes: int, name: str) -> Suited:
    """Samples of a data set for a network.

    Parameters
    ----------
    network : Network
    samples : array (frames, ...)
        Maps have their channels first.
    classes : int
        Of the data set.
    name : str
        Of the data set, for messages.

    Raises
    ------
    RequestError
        The network takes samples of another shape.
    """
    samples, notes = _shaped(network.input, samples, name)
    found = (*notes, *_classes(network, classes, name), *_range(network.input, samples[:FRAMES], name))
    return Suited(samples, found)


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _shaped(spec: InputSpec, samples: NDArray[Any], name: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Samples of the shape that the network takes, its own order of axes included."""
    given, wanted = samples.shape[1:], spec.sample_shape
    if math.prod(given) != spec.elements:
        raise RequestError(
            f"data set {name} must have {spec.elements} elements per frame for this network, not {math.prod(given)}: "
            f"it takes samples of {_sizes(wanted)}, the data set has {_sizes(given)}"
        )
    if len(given) == 3 and given == spec.shape:
        return samples.transpose(0, *(1 + "chw".index(axis) for axis in spec.layout)), ()
    mine, theirs = (tuple(size for size in shape if size > 1) for shape in (wanted, given))
    if mine == theirs or (len(mine) < 2 and len(theirs) < 2):
        return samples, ()
    if len(given) == 3 and wanted == (*given[1:], given[0]):
        return np.moveaxis(samples, 1, -1), (
            f"the network takes samples of {_sizes(wanted)}: those of data set {name}, {_sizes(given)}, are turned to "
            "have their channels last",
        )
    # A list of a map of one channel has one order, and PyTorch flattens channels first.
    if len(mine) < 2 or (len(theirs) < 2 and len(mine) == 2):
        return samples, ()
    if len(theirs) < 2:
        return samples, (
            f"the network takes samples of {_sizes(wanted)}, and data set {name} has lists of {_sizes(given)}: they "
            "are read in this order",
        )
    raise RequestError(
        f"the network takes samples of {_sizes(wanted)}, not of {_sizes(given)} as data set {name} has them"
    )


def _classes(network: Network, classes: int, name: str) -> tuple[str, ...]:
    mine = network.output.classes
    # One score decides between two classes.
    decides = 2 if mine == 1 else mine
    if decides == classes:
        return ()
    has = "1 output, which decides between 2 classes" if mine == 1 else f"{mine} classes"
    less = "no frame is of its others" if decides > classes else "it is wrong about every frame of the others"
    return (f"the network has {has}, and data set {name} has {classes}: {less}",)


def _range(spec: InputSpec, samples: NDArray[Any], name: str) -> tuple[str, ...]:
    """What to say where the thresholds of an input and the samples do not meet."""
    if not len(samples) or samples.dtype.kind not in "biuf":
        return ()
    stream = samples.reshape(len(samples), -1)[:, spec.places()].astype(np.float64)
    stated = spec.thresholds is None
    # Samples that are elements lie between these: others are refused.
    between = np.arange(spec.dtype.minimum, spec.dtype.maximum, dtype=np.float64) + 0.5
    rows: list[NDArray[np.float64]] = [between] if stated else list(spec.table)
    columns = stream.reshape(len(samples), -1, len(rows))
    wrong, judged = [], 0
    for number, row in enumerate(rows):
        thresholds, column = row[np.isfinite(row)], columns[:, :, number].ravel()
        # A feature of a table may be one number in all of some frames.
        if not len(thresholds) or (len(rows) > 1 and column.min() == column.max()):
            continue
        judged += 1
        if _apart(thresholds, column, stated):
            wrong.append((number, thresholds, column))
    if not wrong or 2 * len(wrong) < judged:
        return ()
    number, thresholds, column = wrong[0]
    part = "channel" if spec.per == "channel" and len(spec.shape) > 1 else "element"
    where = "" if len(rows) == 1 else f" of {part} {number}"
    what = f"integers, {spec.dtype}" if stated else f"thresholds from {thresholds[0]:g} to {thresholds[-1]:g}"
    return (
        f"the samples{where} of data set {name} go from {column.min():g} to {column.max():g}, and the network's input "
        f"has {what}: they do not meet; say what the model takes with --input-scale and --input-offset of bnnhw import",
    )


def _apart(thresholds: NDArray[np.float64], samples: NDArray[np.float64], stated: bool) -> bool:
    """Whether some thresholds are hardly ones for some samples."""
    least, most = float(samples.min()), float(samples.max())
    first, last, number = thresholds[0], thresholds[-1], len(thresholds)
    reached = np.count_nonzero((thresholds > least) & (thresholds <= most))
    if not reached:
        return True
    if stated:
        return bool(number >= MANY and reached < 2)
    if first == last:
        return bool(first - least < LOW * (most - least) and len(np.unique(samples)) > 2)
    step = (last - first) / (number - 1)
    if WIDE * (last - first + 2 * step) < most - least:
        return True
    if number < MANY:
        return False
    over, under = samples > last + step, samples < first - step
    unused = [np.mean(thresholds <= least), np.mean(thresholds > most)]
    shifted = (
        (unused[0] >= FEW and most - (last + step) > FEW * (most - least))
        or (unused[1] >= FEW and first - step - least > FEW * (most - least))
    )  # fmt: skip
    return bool(reached < FEW * number or max(over.mean(), under.mean()) > SATURATED or shifted)
