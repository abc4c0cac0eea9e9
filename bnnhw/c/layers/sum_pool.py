"""Sum pools in C."""

from __future__ import annotations

from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.c.translations import TRANSLATIONS
from bnnhw.ir import SumPool
from bnnhw.templates import render


@TRANSLATIONS.register(SumPool)
def sum_pool(program: Program, layer: SumPool, given: Stream) -> Stream:
    """Element by element; bipolar ones count as 0 and 1."""
    out = program.stream(layer.shape_out, layer.output)
    place = f"at * {layer.window.channels} + c"
    if layer.input.kind == "bipolar":
        program.need("code")
        read = f"({out.number}){given.code('x', place)}"
    else:
        read = program.value(given, "x", place)
    body = render(
        "bnnhw.c.layers",
        "sum_pool.c.j2",
        window=layer.window,
        number=out.number,
        read=read,
        store=out.put("e", "sum"),
    )
    kernel = " x ".join(map(str, layer.window.kernel))
    shapes = [" x ".join(map(str, shape)) for shape in (layer.shape_in, layer.shape_out)]
    title = f"sum pool {kernel}, {shapes[0]} {layer.input} to {shapes[1]} {layer.output}"
    return program.function(layer.name, title, (given,), out, body)
