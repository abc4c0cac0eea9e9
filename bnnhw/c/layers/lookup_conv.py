"""Truth tables at every position in C: the elements under each window side by side, then the tables."""

from __future__ import annotations

from textwrap import indent

from bnnhw.c.layers.lookup import look_up
from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.c.translations import TRANSLATIONS
from bnnhw.ir import LookupConv
from bnnhw.templates import render


@TRANSLATIONS.register(LookupConv)
def lookup_conv(program: Program, layer: LookupConv, given: Stream) -> Stream:
    """Every neuron's table against the elements under the window."""
    window, tables = layer.window, layer.tables
    out = program.stream(layer.shape_out, layer.output)
    program.need("gather")
    gathered = program.work(tables.inputs, given.planes)
    body = render(
        "bnnhw.c.layers",
        "conv.c.j2",
        p=program,
        n=program.name,
        window=window,
        planes=given.planes,
        stride=given.stride,
        words=gathered.stride,
        rows=0,
        padding=layer.padding_code,
        depthwise=False,
        loop=indent(look_up(program, tables, gathered, out, "v"), " " * 12),
    )
    kernel = " x ".join(map(str, window.kernel))
    shapes = [" x ".join(map(str, shape)) for shape in (layer.shape_in, layer.shape_out)]
    title = f"tables of {tables.address_bits} bits {kernel}, {shapes[0]} {layer.input} to {shapes[1]} {layer.output}"
    return program.function(layer.name, title, (given,), out, body, gathered)
