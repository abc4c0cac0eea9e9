"""Element-wise affines in C."""

from __future__ import annotations

from bnnhw.c.elements import each_element
from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.c.translations import TRANSLATIONS
from bnnhw.ir import Affine


@TRANSLATIONS.register(Affine)
def affine(program: Program, layer: Affine, given: Stream) -> Stream:
    """The multiplier and the offset of each element's channel."""
    out = program.stream(layer.shape_out, layer.output)
    most = max(abs(layer.input.minimum), layer.input.maximum)
    pairs = zip(layer.multiplier.tolist(), layer.offset.tolist(), strict=True)
    number = "int32_t" if all(abs(m) * most + abs(o) < 1 << 31 for m, o in pairs) else "int64_t"
    value = "v"
    if (layer.multiplier != 1).any():
        value = f"{program.table(f'{layer.name}_multiplier', layer.multiplier)}[c] * v"
    if layer.offset.any():
        value = f"{value} + {program.table(f'{layer.name}_offset', layer.offset)}[c]"
    title = f"multiplier and offset by channel, {layer.input} to {layer.output}"
    return each_element(program, layer.name, title, (given,), out, out.put("e", value), number)
