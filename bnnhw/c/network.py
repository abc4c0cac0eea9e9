"""Streamlined networks -> C99.

The program
-----------
One function per layer, called in the order of the stream; literal sizes, no allocation, nothing but ``<stdint.h>`` and
``<stddef.h>``. Elements of up to 8 bits are bit planes, so that a matrix layer is XOR and popcount of words against
weights that are stored complemented; wider ones (accumulators that are added up) are integers. Streams that are never
needed at once share memory, which the caller brings. Every number is the reference's: thresholds are compared with
accumulators as :mod:`bnnhw.ir.layers.dense` defines them, and no floating point is left but that of the samples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from textwrap import wrap

import bnnhw.c.layers as _layers  # noqa: F401  # pyright: ignore[reportUnusedImport]
from bnnhw import reference
from bnnhw.c.names import check_name, comment
from bnnhw.c.output import output, score_type
from bnnhw.c.program import Program
from bnnhw.c.samples import SAMPLE_TYPES, SampleType, encoder, typical
from bnnhw.c.tables import definition, literal
from bnnhw.c.translations import add_layers
from bnnhw.errors import NetworkError, RequestError
from bnnhw.files import seal
from bnnhw.ir import InputSpec, Layer, Network, walk
from bnnhw.templates import render

__all__ = ["WORD_BITS", "CCode", "to_c"]

WORD_BITS = (32, 64)
"""Widths of the words that bits are counted in."""

_LINE = 110
"""Characters of a line of a comment."""

_FEW = 16
"""Up to so many thresholds are told in the header."""


@dataclass(frozen=True)
class CCode:
    """A network as C.

    Parameters
    ----------
    name : str
        Prefix of all its C names.
    source, header, main : str
        The texts of ``name.c``, ``name.h`` and of the example.
    word_bits : int
    table_bytes : int
        Of constant tables: weights, thresholds, multipliers.
    scratch_bytes : int
        Of the memory that the caller brings.
    """

    name: str
    source: str
    header: str
    main: str
    word_bits: int
    table_bytes: int
    scratch_bytes: int


def to_c(
    network: Network, name: str, *, word_bits: int = WORD_BITS[0], samples: str = "float", header: str | None = None
) -> CCode:
    """A streamlined network as C99 (form: the module's docstring).

    Parameters
    ----------
    network : Network
    name : str
        Prefix of all C names: letters, digits and underscores.
    word_bits : int
        One of :data:`WORD_BITS`.
    samples : str
        The C type of raw samples, one of :data:`~bnnhw.c.samples.SAMPLE_TYPES`.
    header : str, optional
        The file that source and example include, ``name.h`` without it.

    Raises
    ------
    NetworkError
        The network is not streamlined, or its numbers fit no type of C.
    RequestError
        For a name that is none, and a type of samples that can't hold the network's.
    """
    if not network.streamlined:
        raise NetworkError("only a streamlined network can be exported: run the streamlining passes first")
    if word_bits not in WORD_BITS:
        raise RequestError(f"words must have {' or '.join(map(str, WORD_BITS))} bits, not {word_bits}")
    if samples not in SAMPLE_TYPES:
        raise RequestError(f"samples must be one of {', '.join(SAMPLE_TYPES)}, not {samples!r:.60}")
    kind = SAMPLE_TYPES[samples]
    program = Program(check_name(name), word_bits, network.input.map, network.input.dtype)
    score = score_type(network.chain[-1], network.output)
    last = add_layers(program, program.input, network.chain)
    encode = encoder(program, network.input, kind)
    end = output(program, network.output, last)
    calls, sizes, place = program.calls()
    # Those of the largest alignment first, so that nothing is lost between them.
    members = sorted(sizes.items(), key=lambda entry: -program.bytes_of(entry[0]))
    align = program.bytes_of(members[0][0])
    scratch_bytes = -(-sum(size * program.bytes_of(ctype) for ctype, size in members) // align) * align
    values = {
        "p": program,
        "n": name,
        "word": program.word,
        "bits": word_bits,
        "made": f"bnnhw {version('bnnhw')}",
        "seal": seal("source"),
        "include": header or f"{name}.h",
        "members": [(program.member(ctype), ctype, size) for ctype, size in members],
        "scratch_bytes": scratch_bytes,
        "table_bytes": program.table_bytes,
        "score": score,
        "spec": network.input,
        "stream": program.input,
        "kind": kind,
        "scores": network.output.classes,
        "labels": network.output.labels,
    }
    source = render(
        "bnnhw.c", "source.c.j2", **values, encode=encode, output=end, calls=calls, last=place, **_constants(word_bits)
    )
    text = render(
        "bnnhw.c",
        "header.h.j2",
        **values,
        layers=[(comment(layer.name), *_shapes(layer)) for layer in walk(network.chain)],
        samples=_wrapped(_samples(network.input, kind)),
    )
    frame = _frame(network, kind, score)
    main = render("bnnhw.c", "main.c.j2", **values, **frame)
    return CCode(name, _tidy(source), _tidy(text), _tidy(main), word_bits, program.table_bytes, scratch_bytes)


def _tidy(text: str) -> str:
    """No blanks at the end of lines, and no two empty lines."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).rstrip() + "\n"


def _constants(word_bits: int) -> dict[str, str]:
    """Masks of the portable popcount, and the builtin that does the same."""
    octets = word_bits // 8
    masks = {"fives": "55", "threes": "33", "fs": "0f", "ones": "01"}
    found = {name: f"0x{octet * octets}" for name, octet in masks.items()}
    return {**found, "builtin": "__builtin_popcount" + ("ll" if word_bits == 64 else "")}


def _shapes(layer: Layer) -> tuple[str, str]:
    """What a layer is and what it emits, in words."""
    return layer.label, f"{' x '.join(map(str, layer.shape_out))} {layer.output}"


def _samples(spec: InputSpec, kind: SampleType) -> list[str]:
    """How a raw sample becomes elements, in lines."""
    words = {"c": f"{spec.map[0]} channels", "h": f"{spec.map[1]} rows", "w": f"{spec.map[2]} columns"}
    if len(spec.shape) == 1:
        lines = [f"A sample is {spec.elements} numbers of type {kind.ctype}."]
    else:
        lines = [
            f"A sample is {spec.elements} numbers of type {kind.ctype}: "
            f"{', of each '.join(words[axis] for axis in spec.layout)}."
        ]
    if spec.thresholds is None:
        lines.append(f"They are the elements' values, {'-1 or 1' if spec.dtype.kind == 'bipolar' else spec.dtype}.")
        return lines
    rows = {"input": "", "channel": " of its channel", "element": " of its own"}[spec.per or "input"]
    met = "greater than" if spec.falling and all(spec.falling) else "not greater than"
    lines.append(f"The level of an element is how many thresholds{rows} are {met} the number.")
    if spec.falling and not all(spec.falling):
        lines.append("Where a row falls, it is how many are greater.")
    if len(spec.rows) == 1 and len(spec.rows[0]) <= _FEW:
        lines.append(f"Thresholds: {', '.join(f'{value:g}' for value in spec.rows[0])}.")
    return lines


def _wrapped(lines: list[str]) -> list[str]:
    """Lines of a comment."""
    return [part for line in lines for part in wrap(comment(line), _LINE)]


def _frame(network: Network, kind: SampleType, score: str) -> dict[str, object]:
    """A frame that a few lines of C make, and what the reference says of it."""
    values = typical(network.input, kind)
    state, places = 1, []
    for _ in range(network.input.elements):
        state = (state * 1664525 + 1013904223) % (1 << 32)
        places.append((state >> 16) % len(values))
    found = reference.evaluate(network, network.input.encode(values[None, places]))
    return {
        "values": definition("values", kind.ctype, [literal(value, kind.ctype) for value in values]),
        "label": int(found.classes[0]),
        "expected": definition("expected", score, [literal(number, "int64_t") for number in found.scores[0].tolist()]),
    }
