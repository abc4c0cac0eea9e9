"""Element-wise activations in C."""

from __future__ import annotations

from bnnhw.c.elements import each_element
from bnnhw.c.neurons import level
from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.c.translations import TRANSLATIONS
from bnnhw.ir import Quantize


@TRANSLATIONS.register(Quantize)
def quantize(program: Program, layer: Quantize, given: Stream) -> Stream:
    """The thresholds of each element's channel."""
    out = program.stream(layer.shape_out, layer.output)
    statements = level(program, layer.name, layer.activation, out, "v", "c")
    title = f"thresholds by channel, {layer.input} to {layer.output}"
    return each_element(program, layer.name, title, (given,), out, statements, given.number)
