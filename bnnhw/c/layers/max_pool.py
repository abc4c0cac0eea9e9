"""Max pools in C."""

from __future__ import annotations

from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.c.translations import TRANSLATIONS
from bnnhw.ir import MaxPool
from bnnhw.templates import render


@TRANSLATIONS.register(MaxPool)
def max_pool(program: Program, layer: MaxPool, given: Stream) -> Stream:
    """Of single bits the OR, a word of channels at once; where a channel wants the least, of bits turned over."""
    out = program.stream(layer.shape_out, layer.output)
    bits = given.planes == 1
    turned = program.bit_table(f"{layer.name}_least", layer.minimum.view("u1")) if layer.minimum.any() else None
    program.need(*(("fetch", "append") if bits else ()))
    body = render(
        "bnnhw.c.layers",
        "max_pool_bits.c.j2" if bits else "max_pool.c.j2",
        n=program.name,
        word=program.word,
        bits=program.word_bits,
        window=layer.window,
        turned=turned,
        number=given.number,
        read=None if bits else program.value(given, "x", f"at * {layer.window.channels} + c"),
        store=out.put("e", "best"),
    )
    kernel = " x ".join(map(str, layer.window.kernel))
    shapes = [" x ".join(map(str, shape)) for shape in (layer.shape_in, layer.shape_out)]
    return program.function(
        layer.name, f"max pool {kernel}, {shapes[0]} to {shapes[1]} {layer.output}", (given,), out, body
    )
