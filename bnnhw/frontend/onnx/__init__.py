"""ONNX files in the QONNX dialect (docs/models.md says what is read)."""

from __future__ import annotations

import re
from fractions import Fraction

from bnnhw.errors import FileError, RequestError
from bnnhw.frontend.formats import Format, ImportedModel, Match, Option, Source, register

__all__ = ["QONNX"]


def _sniff(source: Source) -> Match:
    """A protobuf has no mark of its own."""
    return Match.NO if source.folder else Match.MAYBE


def _read(source: Source, input_scale: Fraction | None = None) -> ImportedModel:
    """``input_scale``: what the graph takes is a raw sample times this; without it the samples module decides."""
    from bnnhw.frontend.onnx.file import read_bytes

    assert source.data is not None
    if input_scale is not None and input_scale <= 0:
        raise RequestError(f"{source.path}: --input-scale must be positive, not {input_scale}")
    if source.archive:
        raise FileError("must be an ONNX model, not an archive")
    facts = {} if input_scale is None else {"input_scale": str(input_scale)}
    return read_bytes(source.data, source, QONNX.name, input_scale, facts)


def _rational(text: str) -> Fraction:
    """A number above 0, written as a decimal fraction or as a quotient of two integers."""
    written = re.fullmatch(r"[0-9]{1,9}(/0*[1-9][0-9]{0,8}|\.[0-9]{1,30})?", text)
    number = Fraction(text) if written else Fraction(0)
    if not number:
        raise ValueError(f"must be a positive number, such as 1/255 or 0.5, not {text!r:.60}")
    return number


QONNX = register(
    Format(
        "qonnx",
        "an ONNX model",
        _sniff,
        _read,
        (
            Option(
                "input_scale",
                "Of an ONNX model: what it takes is a raw sample times this, 1/255 for bytes where it takes 0..1.  "
                "[default: 1/255 or 1, as the graph suggests]",
                "NUMBER",
                parse=_rational,
            ),
        ),
    )
)
