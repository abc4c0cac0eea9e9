"""Convolutions in C: the elements under each window side by side, then the matrix."""

from __future__ import annotations

from textwrap import indent

from bnnhw.c.neurons import neurons
from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.c.translations import TRANSLATIONS
from bnnhw.ir import Conv2d
from bnnhw.templates import render


@TRANSLATIONS.register(Conv2d)
def conv(program: Program, layer: Conv2d, given: Stream) -> Stream:
    """Every row of weights against the elements under the window; of a depthwise layer, against one channel's."""
    window, dense = layer.window, layer.dense
    out = program.stream(layer.shape_out, layer.output)
    gathered = window.area * window.channels
    program.need("gather")
    planes = given.planes
    words, rows = (-(-bits // program.word_bits) for bits in (gathered, dense.synapses))
    if layer.depthwise:
        program.need("fetch", "append", "clear")
        work = program.work((words + rows) * program.word_bits, planes)
        vector, first, count = f"(v + {words * planes})", f"c * {layer.depth_multiplier}", layer.depth_multiplier
    else:
        work, vector, first, count = program.work(gathered, planes), "v", "0", dense.neurons
    loop = neurons(program, dense, out, vector, rows, first, count)
    body = render(
        "bnnhw.c.layers",
        "conv.c.j2",
        p=program,
        n=program.name,
        window=window,
        planes=planes,
        stride=given.stride,
        words=words,
        rows=rows,
        padding=layer.padding_code,
        depthwise=layer.depthwise,
        loop=indent(loop, " " * (16 if layer.depthwise else 12)),
    )
    kernel = " x ".join(map(str, window.kernel))
    shapes = [" x ".join(map(str, shape)) for shape in (layer.shape_in, layer.shape_out)]
    title = f"{layer.label} {kernel}, {shapes[0]} {layer.input} to {shapes[1]} {layer.output}"
    return program.function(layer.name, title, (given,), out, body, work)
