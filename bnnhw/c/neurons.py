"""What layers share that have weights or thresholds: their tables, the loop over neurons, and levels."""

from __future__ import annotations

from textwrap import indent

import numpy as np

from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.errors import NetworkError
from bnnhw.ir import Activation, Dense, Thresholds
from bnnhw.templates import render

__all__ = ["level", "neurons"]


def level(program: Program, name: str, activation: Activation, out: Stream, value: str, row: str) -> str:
    """Statements that write the level of a number as element ``e``: how many thresholds of its row it meets.

    Parameters
    ----------
    program : Program
    name : str
        The layer's.
    activation : Thresholds
    out : Stream
    value, row : str
        A number of a signed type; which row.
    """
    assert isinstance(activation, Thresholds)
    table = program.table(f"{name}_thresholds", activation.values)
    text = render(
        "bnnhw.c",
        "level.c.j2",
        table=table,
        value=value,
        row=row,
        bits=activation.dtype.bits,
        store=out.put_level("e", "level"),
    )
    return text.strip("\n")


def neurons(
    program: Program, dense: Dense, out: Stream, vector: str, stride: int, first: str = "0", count: int | None = None
) -> str:
    """The loop over neurons of a matrix, each of which writes element ``e`` and counts it up.

    Parameters
    ----------
    program : Program
    dense : Dense
    out : Stream
    vector : str
        Where the bit planes of the vector are.
    stride : int
        Words from one to the next.
    first : str
        The number of the first neuron.
    count : int, optional
        How many; all without it.
    """
    bits = program.word_bits
    # Complemented, so that one XOR finds the places that agree; bits past the last are 0 in both.
    planes = np.stack([1 - plane.bits.bits() for plane in dense.weights], axis=1)
    # What is left of a row at half a word or less goes into a table of narrower numbers.
    full, tail = divmod(dense.synapses, bits)
    if tail > bits // 2:
        full, tail = full + 1, 0
    coefficients = np.array([coefficient for coefficient, _, _ in dense.planes], np.int64)
    reach = dense.synapses * sum(map(abs, coefficients.tolist()))
    if reach >= 1 << 62:
        raise NetworkError(f"layer {dense.name}: accumulators must be below 2**62")
    several = len(coefficients) > 1
    row = "n" if len(dense.weights) == 1 else f"(n * {len(dense.weights)} + j)"
    start = "" if not several or dense.input.bits == 1 else "i" if stride == 1 else f"i * {stride}"
    terms = []
    if full:
        weights = program.bit_table(f"{dense.name}_weights", planes[..., : full * bits])
        if full == 1:
            terms.append(f"{program.name}_POPCOUNT({vector}[{start or 0}] ^ {weights}[{row}])")
        else:
            program.need("matches")
            place = f"{vector} + {start}" if start else vector
            terms.append(f"{program.name}_matches({place}, {weights} + {row} * {full}, {full})")
    if tail:
        weights = program.bit_table(
            f"{dense.name}_ends" if full else f"{dense.name}_weights", planes[..., full * bits :]
        )
        place = f"{start} + {full}" if start and full else start or full
        terms.append(f"{program.name}_POPCOUNT({vector}[{place}] ^ {weights}[{row}])")
    if full < 2 or tail:
        program.need("popcount")
    matches = terms[0] if len(terms) == 1 else f"({' + '.join(terms)})"
    if dense.activation is None:
        store = out.put("e", "acc")
    else:
        store = level(program, dense.name, dense.activation, out, "acc", "n")
    return render(
        "bnnhw.c",
        "neurons.c.j2",
        first=first,
        end=dense.neurons if first == "0" and count is None else f"{first} + {count}",
        number="int32_t" if reach < 1 << 31 else "int64_t",
        coefficients=program.table(f"{dense.name}_coefficients", coefficients) if several else None,
        coefficient=int(coefficients[0]),
        inputs=dense.input.bits,
        planes=len(dense.weights),
        matches=matches,
        store=indent(store, "    "),
    ).strip("\n")
