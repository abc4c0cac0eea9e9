"""Whether samples and the thresholds of a network's input are of one range."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import InputSpec

__all__ = ["FRAMES", "range_warnings"]

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


def range_warnings(
    spec: InputSpec, stream: NDArray[Any], whose: str = "", options: str = "input_scale and input_offset of bnnhw.read"
) -> tuple[str, ...]:
    """What to say where the thresholds of an input and samples do not meet: nothing, or one line.

    Parameters
    ----------
    spec : InputSpec
    stream : array (frames, elements)
        Samples in the order in which elements enter; :data:`FRAMES` of them are enough.
    whose : str
        Goes on behind "the samples".
    options : str
        By what one says what a model takes.
    """
    if not len(stream) or stream.dtype.kind not in "biuf":
        return ()
    stream = stream.astype(np.float64)
    stated = spec.thresholds is None
    # Samples that are elements lie between these: others are refused.
    between = np.arange(spec.dtype.minimum, spec.dtype.maximum, dtype=np.float64) + 0.5
    rows: list[NDArray[np.float64]] = [between] if stated else list(spec.table)
    columns = stream.reshape(len(stream), -1, len(rows))
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
        f"the samples{where}{whose} go from {column.min():g} to {column.max():g}, and the network's input "
        f"has {what}: they do not meet; say what the model takes with {options}",
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
