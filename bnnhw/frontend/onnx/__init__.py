"""ONNX files in the QONNX dialect (docs/models.md says what is read)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from bnnhw.errors import FileError, RequestError
from bnnhw.frontend.formats import Format, ImportedModel, Match, Option, Source, register
from bnnhw.frontend.onnx.numbers import integer_type, offsets, scales

if TYPE_CHECKING:
    from bnnhw.ir.types import DataType

__all__ = ["QONNX"]


Numbers: TypeAlias = "Fraction | float | Sequence[Fraction | float]"
"""One number, or one per channel."""


def _sniff(source: Source) -> Match:
    """A protobuf has no mark of its own."""
    return Match.NO if source.folder else Match.MAYBE


def _read(
    source: Source,
    input_scale: Numbers | None = None,
    input_offset: Numbers | None = None,
    input_type: DataType | str | None = None,
) -> ImportedModel:
    """The options: what the graph takes is ``scale * x + offset``, of raw samples x of a type."""
    from bnnhw.frontend.onnx.file import read_bytes
    from bnnhw.frontend.onnx.given import Given

    assert source.data is not None
    scale, offset = _listed(input_scale), _listed(input_offset)
    if scale is not None and (not scale or min(scale) <= 0):
        said = ", ".join(map(str, scale))
        raise RequestError(f"{source.path}: --input-scale must be positive, not {said}")
    if source.archive:
        raise FileError("must be an ONNX model, not an archive")
    dtype = integer_type(input_type) if isinstance(input_type, str) else input_type
    return read_bytes(source.data, source, QONNX.name, Given(scale, offset, dtype))


def _listed(value: Numbers | None) -> tuple[Fraction, ...] | None:
    if value is None:
        return None
    return tuple(Fraction(number) for number in value) if isinstance(value, Sequence) else (Fraction(value),)


QONNX = register(
    Format(
        "qonnx",
        "an ONNX model",
        _sniff,
        _read,
        (
            Option(
                "input_scale",
                "Of an ONNX model: what it takes is a raw sample times this, 1/255 for bytes where it takes 0..1; one "
                "number, or one per channel, separated by commas.  [default: 1/255 or 1, as the graph suggests]",
                "NUMBERS",
                parse=scales,
            ),
            Option(
                "input_offset",
                "Of an ONNX model: what it takes is a raw sample times its scale plus this, -1 for bytes at 1/127.5 "
                "where it takes -1..1; one number, or one per channel.  [default: 0]",
                "NUMBERS",
                parse=offsets,
            ),
            Option(
                "input_type",
                "Of an ONNX model: raw samples are integers of this type, bipolar, uint1..8 or int2..8, and need no "
                "quantizer.",
                "TYPE",
                parse=integer_type,
            ),
        ),
    )
)
