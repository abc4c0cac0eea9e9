"""Truth tables in C."""

from __future__ import annotations

from textwrap import indent

from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.c.translations import TRANSLATIONS
from bnnhw.ir import Lookup

__all__ = ["look_up"]


def look_up(program: Program, layer: Lookup, given: Stream, out: Stream, pointer: str) -> str:
    """The loop over neurons, each of which writes element ``e`` and counts it up.

    Parameters
    ----------
    program : Program
    layer : Lookup
    given : Stream
        How the elements lie that are read.
    out : Stream
    pointer : str
        Where they are.
    """
    program.need("code")
    sources = program.table(f"{layer.name}_sources", layer.sources)
    tables = program.table(f"{layer.name}_tables", layer.tables)
    code = given.code(pointer, f"(size_t){sources}[n * {layer.fan_in} + j]")
    return f"""for (size_t n = 0; n < {layer.neurons}; n++, e++) {{
    uint32_t address = 0;
    for (size_t j = 0; j < {layer.fan_in}; j++) {{
        address |= {code} << (j * {layer.input.bits});
    }}
    {out.put_code("e", f"{tables}[n * {1 << layer.address_bits} + address]")}
}}"""


@TRANSLATIONS.register(Lookup)
def lookup(program: Program, layer: Lookup, given: Stream) -> Stream:
    """Neuron by neuron: its address bit after bit, then its table."""
    out = program.stream(layer.shape_out, layer.output)
    body = "\n    size_t e = 0;\n" + indent(look_up(program, layer, given, out, "x"), "    ")
    title = f"{layer.neurons} tables of {layer.address_bits} bits, {layer.inputs} {layer.input} to {layer.output}"
    return program.function(layer.name, title, (given,), out, body)
