"""Raw samples in C: the types that they may have, and the function that turns them into the network's elements."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.c.program import Program
from bnnhw.c.tables import literal
from bnnhw.errors import RequestError
from bnnhw.ir import InputSpec
from bnnhw.templates import render

__all__ = ["SAMPLE_TYPES", "SampleType", "encoder", "typical"]


@dataclass(frozen=True)
class SampleType:
    """A C type of raw samples.

    Parameters
    ----------
    name : str
        On the command line.
    ctype : str
    dtype : str
        NumPy's.
    """

    name: str
    ctype: str
    dtype: str

    @property
    def floating(self) -> bool:
        return self.ctype in ("float", "double")

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest number."""
        info = np.finfo(self.dtype) if self.floating else np.iinfo(self.dtype)
        return (float(info.min), float(info.max)) if self.floating else (int(info.min), int(info.max))

    def up(self, thresholds: NDArray[np.float64]) -> NDArray[Any]:
        """Thresholds restated for this type: ``x >= up(t)`` iff ``x >= t``, for each ``x`` that the type has.

        Of integers, one more than the greatest where none reaches.
        """
        if self.ctype == "double":
            return thresholds
        if self.ctype == "float":
            with np.errstate(over="ignore"):
                near = thresholds.astype(np.float32)
            return np.where(near < thresholds, np.nextafter(near, np.float32(np.inf)), near)
        low, high = self.ends
        return np.clip(np.ceil(thresholds), low, high + 1).astype(np.int64)


SAMPLE_TYPES = {
    name: SampleType(name, name if name in ("float", "double") else f"{name}_t", dtype)
    for name, dtype in (
        ("float", "f4"),
        ("double", "f8"),
        ("uint8", "u1"),
        ("int8", "i1"),
        ("uint16", "u2"),
        ("int16", "i2"),
        ("int32", "i4"),
    )
}


def _table(program: Program, name: str, array: NDArray[Any], kind: SampleType) -> str:
    if not kind.floating:
        return program.table(name, array.astype(np.int64))
    return program.table(name, array, kind.ctype)


def encoder(program: Program, spec: InputSpec, kind: SampleType) -> str:
    """The function that encodes a sample into the program's input.

    A sample that is no finite number, or where the network has no thresholds none of its elements' values, is refused.
    """
    channels, height, width = spec.map
    sizes = dict(zip("chw", (channels, height, width), strict=True))
    # How far apart neighbours along each axis lie in a sample.
    steps = {axis: math.prod(sizes[later] for later in spec.layout[at + 1 :]) for at, axis in enumerate(spec.layout)}
    stream, dtype = program.input, spec.dtype
    if spec.thresholds is None and dtype.minimum < kind.ends[0]:
        raise RequestError(
            f"samples of type {kind.name} have no negative numbers, and those of this network are {dtype}: give "
            f"another type of samples"
        )
    program.need(*stream.parts)
    if len(spec.shape) == 1:
        place, axes = "e", []
    else:
        axes = [(axis, sizes[axis]) for axis in "hwc" if sizes[axis] > 1]
        terms = [axis if steps[axis] == 1 else f"{axis} * {steps[axis]}" for axis, _ in axes]
        place = " + ".join(terms) or "0"
    row = {None: "", "input": "", "channel": "c", "element": "e"}[spec.per]
    if row == "c" and not axes:
        row = "e"
    table = falling = None
    if spec.thresholds is not None:
        table = _table(program, "levels", kind.up(spec.table), kind)
        if spec.falling and not all(spec.falling):
            falling = program.table("falling", np.array(spec.falling, np.uint8))
    return render(
        "bnnhw.c",
        "encode.c.j2",
        n=program.name,
        word=program.word,
        stream=stream,
        kind=kind,
        elements=spec.elements,
        axes=axes,
        place=place,
        table=table,
        bits=dtype.bits,
        row=row,
        falling=falling,
        falls=bool(spec.falling) and falling is None,
        bipolar=dtype.kind == "bipolar",
        low=literal(dtype.minimum, kind.ctype) if kind.floating else dtype.minimum,
        high=literal(dtype.maximum, kind.ctype) if kind.floating else dtype.maximum,
        store=stream.put_level("e", "level"),
        value=stream.put("e", "(int32_t)v"),
    )


def typical(spec: InputSpec, kind: SampleType, most: int = 32) -> NDArray[np.float64]:
    """Some values of raw samples, at most so many, that reach different levels: what a frame can be made of."""
    low, high = kind.ends
    if spec.thresholds is None:
        found = np.array([-1, 1]) if spec.dtype.kind == "bipolar" else spec.dtype.values(np.arange(spec.dtype.levels))
        found = found[(found >= low) & (found <= high)].astype(np.float64)
    else:
        ups = kind.up(spec.table).astype(np.float64).ravel()
        ups = np.unique(ups[np.isfinite(ups)])
        # Below each threshold too; with one alone, both of its sides.
        below = ups - np.maximum(np.abs(ups) / 1024, 1)
        found = np.concatenate([ups, below[below >= low], [0.0]])
        found = found.astype(kind.dtype).astype(np.float64) if kind.floating else np.floor(found)
        found = np.unique(found[(found >= low) & (found <= high)])
    return found[np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(np.int64))]
