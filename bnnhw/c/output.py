"""The end of a network in C: scores and a class."""

from __future__ import annotations

from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.errors import NetworkError
from bnnhw.ir import Layer, Output
from bnnhw.templates import render

__all__ = ["output", "score_type"]


def score_type(last: Layer, layer: Output) -> str:
    """The C type that holds every score.

    Raises
    ------
    NetworkError
        Scores that 64 bits may not hold.
    """
    reach = max(map(abs, last.emitted))
    multiplier, offset = (max(map(abs, array.tolist())) for array in (layer.multiplier, layer.offset))
    most = multiplier * reach + offset
    if most >= 1 << 63:
        raise NetworkError(f"layer {layer.name}: scores must be below 2**63")
    return "int32_t" if most < 1 << 31 else "int64_t"


def output(program: Program, layer: Output, given: Stream) -> str:
    """The function that turns what the last layer emits into scores, and returns the class."""
    plain = (layer.multiplier == 1).all()
    return render(
        "bnnhw.c",
        "output.c.j2",
        n=program.name,
        ctype=given.ctype,
        classes=layer.classes,
        value=program.value(given, "x", "c"),
        multiplier=None if plain else program.table(f"{layer.name}_multiplier", layer.multiplier),
        offset=program.table(f"{layer.name}_offset", layer.offset) if layer.offset.any() else None,
    )
