"""Fully connected layers in C."""

from __future__ import annotations

from textwrap import indent

from bnnhw.c.neurons import neurons
from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.c.translations import TRANSLATIONS
from bnnhw.ir import Dense


@TRANSLATIONS.register(Dense)
def dense(program: Program, layer: Dense, given: Stream) -> Stream:
    """Every row of weights against the input, as it lies there."""
    out = program.stream(layer.shape_out, layer.output)
    loop = indent(neurons(program, layer, out, "x", given.stride), "    ")
    title = f"{layer.synapses} {layer.input} to {layer.neurons} {layer.output}"
    return program.function(layer.name, title, (given,), out, f"    size_t e = 0;\n{loop}")
