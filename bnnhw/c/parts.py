"""The functions that layers share: which there are, and which they call (text: ``parts.c.j2``)."""

from __future__ import annotations

__all__ = ["GLOBAL", "PARTS"]

PARTS: dict[str, tuple[str, ...]] = {
    "popcount": (),
    "matches": ("popcount",),
    "clear": (),
    "code": (),
    "put": (),
    "fetch": (),
    "append": (),
    "copy": ("fetch", "append"),
    "fill": ("append",),
    "geometry": (),
    "gather": ("geometry", "clear", "copy", "fill"),
}
"""Each with those that it calls; a program holds the ones it needs, in this order."""

GLOBAL = (
    *("t", "word", "score", "sample", "scratch", "run", "encode", "classify", "output"),
    *("H", "SCORES", "CLASSES", "SAMPLES", "INPUT_WORDS", "SCRATCH_BYTES", "WORD_BITS", "POPCOUNT", "COUNTS"),
)
"""Names behind the prefix that a layer can't have."""
