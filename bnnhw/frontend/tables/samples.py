"""What samples are, and the bits of them that the first tables read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError
from bnnhw.frontend.tables.arrays import Arrays
from bnnhw.ir import DataType, InputSpec, Lookup
from bnnhw.ir.types import MAX_PLANES

__all__ = ["Samples", "read_samples"]

THERMOMETER, THRESHOLDS, BITS, SHAPE = "input.thermometer", "input.thresholds", "input.bits", "input.shape"

_ONE_TABLE = 4
"""Input bits up to which a table of elements costs what a table of any of their bits costs: one LUT4."""

_MAX_ELEMENTS = 1 << 24


@dataclass(frozen=True)
class Samples:
    """What a network takes.

    Parameters
    ----------
    spec : InputSpec
    unary : int
        Thresholds of an element where each is a bit of its own (a thermometer); 0 where tables read elements.
    """

    spec: InputSpec
    unary: int = 0

    @property
    def bits(self) -> int:
        """Bits of what a source is."""
        return 1 if self.unary else self.spec.dtype.bits

    @property
    def sources(self) -> int:
        """How many there are to read."""
        return self.spec.elements * (self.unary or 1)

    @property
    def words(self) -> str:
        """What these are."""
        kind = f"bits of {self.spec.elements} elements, {self.unary} each" if self.unary else "elements of the input"
        return f"the {kind}"

    def layers(self, name: str, sources: NDArray[np.int32], tables: NDArray[np.uint8], emits: DataType) -> list[Lookup]:
        """The first tables, of elements as they enter; in front of them, where it must be, a table per thermometer bit.

        Parameters
        ----------
        name : str
        sources : int32 array (neurons, fan-in)
            In the order of a flat sample, the bits of an element side by side.
        tables : uint8 array (neurons, 2 ** (fan-in * bits))
        emits : DataType
        """
        spec, dtype = self.spec, self.spec.dtype
        place = np.empty(spec.elements, np.int32)
        place[spec.places()] = np.arange(spec.elements)
        if self.unary < 2:
            return [Lookup(name, spec.elements, dtype, place[sources], tables, emits)]
        if sources.shape[1] * dtype.bits <= _ONE_TABLE:
            element, bit = np.divmod(sources, self.unary)
            return [Lookup(name, spec.elements, dtype, place[element], _of_levels(bit, tables, dtype), emits)]
        read, position = np.unique(sources, return_inverse=True)
        sources = position.astype(np.int32).reshape(sources.shape)
        element, bit = np.divmod(read, self.unary)
        above = (np.arange(dtype.levels) > bit[:, None]).astype(np.uint8)
        unary = Lookup("thermometer", spec.elements, dtype, place[element][:, None], above, DataType("uint", 1))
        return [unary, Lookup(name, len(read), unary.output, sources, tables, emits)]


def _of_levels(bit: NDArray[np.int32], tables: NDArray[np.uint8], dtype: DataType) -> NDArray[np.uint8]:
    """Tables of elements for tables of thermometer bits, the ``bit[n, j]``-th of each element."""
    fan_in = bit.shape[1]
    address = np.arange(1 << (fan_in * dtype.bits))
    before = np.zeros((len(tables), len(address)), np.int64)
    for j in range(fan_in):
        level = address >> (j * dtype.bits) & (dtype.levels - 1)
        before |= (level > bit[:, j, None]).astype(np.int64) << j
    return np.take_along_axis(tables, before, axis=1)


def read_samples(arrays: Arrays) -> Samples:
    """The input that a file states.

    Raises
    ------
    FileError
        An array is missing or out of place; names it.
    """
    shape = tuple(int(size) for size in arrays.integers(SHAPE, "(features,) or (channels, height, width)", 1))
    if len(shape) not in (1, 3) or min(shape) < 1 or math.prod(shape) > _MAX_ELEMENTS:
        raise FileError(
            f"array {SHAPE!r} must be the features of a sample, or its channels, height and width, each at least 1 and "
            f"at most {_MAX_ELEMENTS} in all, not {shape}"
        )
    given = [name for name in (THERMOMETER, THRESHOLDS, BITS) if name in arrays]
    if len(given) > 1:
        raise FileError(f"array {given[1]!r} must not stand beside {given[0]!r}: each says alone what an element is")
    if given in ([], [BITS]):
        return Samples(InputSpec(shape, DataType("uint", arrays.number(BITS, 1, MAX_PLANES, 1))))
    (name,) = given
    rows = _rows(name, arrays.floats(name), shape)
    number = rows.shape[1]
    bits = number.bit_length()
    if bits > MAX_PLANES or (name == THRESHOLDS and number + 1 != 1 << bits):
        counts = (
            f"1 to {(1 << MAX_PLANES) - 1}" if name == THERMOMETER else "2**b - 1 for elements of b bits, up to 255"
        )
        raise FileError(f"array {name!r} must have {counts} thresholds in a row, not {number}")
    # Infinity is never reached: levels above the last threshold do not occur.
    padded = np.pad(rows, ((0, 0), (0, (1 << bits) - 1 - number)), constant_values=math.inf)
    spec = InputSpec(shape, DataType("uint", bits), tuple(map(tuple, padded.tolist())))
    return Samples(spec, number if name == THERMOMETER else 0)


def _rows(name: str, rows: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Rows of thresholds in the order of elements as they enter."""
    elements = math.prod(shape)
    if len(rows) not in (1, shape[0], elements):
        channels = f", one per channel ({shape[0]})" if len(shape) == 3 else ""
        raise FileError(
            f"array {name!r} must have one row for all elements{channels} or one per element ({elements}) of "
            f"{SHAPE!r}, not {len(rows)}"
        )
    for number, row in enumerate(rows):
        if np.isnan(row).any():
            raise FileError(f"array {name!r} must hold no NaN, as row {number} does")
        if (np.diff(row) < 0).any():
            raise FileError(
                f"array {name!r} must ascend in each row, as row {number} does not: sort its thresholds, and the "
                "sources of layer0 with them"
            )
    if len(rows) in (1, shape[0]):
        return rows
    return rows[InputSpec(shape, DataType("uint", 1)).places()]
