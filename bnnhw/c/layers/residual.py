"""Residual layers in C."""

from __future__ import annotations

from bnnhw.c.elements import each_element
from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.c.translations import TRANSLATIONS
from bnnhw.ir import Residual


@TRANSLATIONS.register(Residual)
def residual(program: Program, layer: Residual, body: Stream, shortcut: Stream) -> Stream:
    """The sum of what both branches emit."""
    out = program.stream(layer.shape_out, layer.output)
    # As wide as the sum, which may need a bit more than both.
    number = max(body.number, shortcut.number, out.number)
    title = f"{body.dtype} plus {shortcut.dtype} to {layer.output}"
    return each_element(program, layer.name, title, (body, shortcut), out, out.put("e", "v + v1"), number)
