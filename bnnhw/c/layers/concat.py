"""Joined branches in C."""

from __future__ import annotations

from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.c.translations import TRANSLATIONS
from bnnhw.ir import Concat
from bnnhw.templates import render


@TRANSLATIONS.register(Concat)
def concat(program: Program, layer: Concat, *ends: Stream) -> Stream:
    """Position by position what each branch emits; of lists, one after the other."""
    out = program.stream(layer.shape_out, layer.output)
    positions = layer.shape_out[1] * layer.shape_out[2]
    parts = []
    for number, end in enumerate(ends):
        same = end.packed and end.dtype == out.dtype
        program.need(*(("copy",) if same else ()))
        pointer, count = f"x{number or ''}", end.elements // positions
        value = "" if same else program.value(end, pointer, f"at * {count} + c")
        parts.append((pointer, count, end.stride if same else 0, value))
    body = render(
        "bnnhw.c.layers",
        "concat.c.j2",
        n=program.name,
        positions=positions,
        out=out,
        parts=parts,
        number=max(*(end.number for end in ends), out.number),
        store=out.put("e", "v"),
    )
    title = f"{' and '.join(f'{count} {end.dtype}' for (_, count, _, _), end in zip(parts, ends, strict=True))} joined"
    return program.function(layer.name, title, ends, out, body)
