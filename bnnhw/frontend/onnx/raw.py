"""Raw samples on their way to the network's first quantizer: what they are, and what steps do to each of them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.input_spec import LAYOUTS
from bnnhw.ir.steps import Step
from bnnhw.ir.types import DataType

__all__ = ["Samples", "Stated", "regrouped"]


@dataclass(frozen=True)
class Stated:
    """Integers that somebody says samples are.

    Parameters
    ----------
    dtype : DataType
    unit : Fraction
        What a 1 of them stands for.
    steps : int or None
        How many of the steps come before the samples are such; None: raw samples are, before scale and offset.
    """

    dtype: DataType
    unit: Fraction = Fraction(1)
    steps: int | None = None


@dataclass(frozen=True, eq=False)
class Samples:
    """Raw samples: steps on ``scale * x + offset``, x raw, which is what the graph takes.

    Samples that are treated alike are one group; scales, offsets and the steps' parameters are one per group.

    Parameters
    ----------
    frame : tuple of int
        (features,), or channels, height and width of a sample; a signal has a height of 1.
    index : int32 array
        Of the shape that a sample has here; the place of each element in the order in which elements enter
        the accelerator (channel fastest, then width, then height).
    groups : int64 array
        Of each place, the number of its group.
    scale, offset : tuple of Fraction
    steps : tuple of Step
    layout : str
        How a raw sample holds the frame (:class:`~bnnhw.ir.InputSpec`).
    scaled : bool
        Whether scale and offset are known, not assumed.
    stated : Stated, optional
    notes : tuple of str
        What was assumed on the way.
    """

    frame: tuple[int, ...]
    index: NDArray[np.int32]
    groups: NDArray[np.int64]
    scale: tuple[Fraction, ...] = (Fraction(1),)
    offset: tuple[Fraction, ...] = (Fraction(0),)
    steps: tuple[Step, ...] = ()
    layout: str = LAYOUTS[0]
    scaled: bool = False
    stated: Stated | None = None
    notes: tuple[str, ...] = ()

    @property
    def neurons(self) -> int:
        """How many groups there are."""
        return len(self.scale)

    @property
    def channels(self) -> int:
        """Channels of a frame; features are channels."""
        return self.frame[0]

    def by_place(self, array: NDArray[Any]) -> NDArray[Any]:
        """Values of the shape that a sample has here, in the order in which elements enter."""
        result = np.empty(self.index.size, array.dtype)
        result[self.index] = array
        return result


def _parted(step: Step, parents: NDArray[np.int64]) -> Step:
    """A step whose neurons are those that were ``parents``."""
    found = {f.name: getattr(step, f.name) for f in fields(step)}
    arrays = {name: value[parents] for name, value in found.items() if isinstance(value, np.ndarray) and value.ndim}
    return replace(step, **arrays) if arrays else step


def regrouped(samples: Samples, *columns: NDArray[Any]) -> tuple[Samples, list[NDArray[Any]]]:
    """The same samples in groups that have one value in each column, and these values, one per group.

    Parameters
    ----------
    samples : Samples
    *columns : array
        Of one value, or of the shape that a sample has here.
    """
    parts = samples.groups
    columns = tuple(column.reshape(()) if column.size == 1 else column for column in columns)
    spread = [samples.by_place(column) if column.ndim else column for column in columns]
    for column in spread:
        if column.ndim:
            _, numbers = np.unique(column, return_inverse=True)
            # Less than 2**22 elements: products stay below 2**44.
            _, parts = np.unique(parts * (numbers.max() + 1) + numbers, return_inverse=True)
    _, first = np.unique(parts, return_index=True)
    values = [column[first] if column.ndim else np.full(len(first), column) for column in spread]
    if len(first) == samples.neurons:
        # As many parts as groups are these groups, in their order.
        return samples, values
    parents = samples.groups[first]
    divided = replace(
        samples,
        groups=parts,
        scale=tuple(samples.scale[parent] for parent in parents),
        offset=tuple(samples.offset[parent] for parent in parents),
        steps=tuple(_parted(step, parents) for step in samples.steps),
    )
    return divided, values
