"""Truth tables in C."""

from __future__ import annotations

from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.c.translations import TRANSLATIONS
from bnnhw.ir import Lookup


@TRANSLATIONS.register(Lookup)
def lookup(program: Program, layer: Lookup, given: Stream) -> Stream:
    """Neuron by neuron: its address bit after bit, then its table."""
    out = program.stream(layer.shape_out, layer.output)
    program.need("code")
    sources = program.table(f"{layer.name}_sources", layer.sources)
    tables = program.table(f"{layer.name}_tables", layer.tables)
    code = given.code("x", f"(size_t){sources}[e * {layer.fan_in} + j]")
    body = f"""
    for (size_t e = 0; e < {layer.neurons}; e++) {{
        uint32_t address = 0;
        for (size_t j = 0; j < {layer.fan_in}; j++) {{
            address |= {code} << (j * {layer.input.bits});
        }}
        {out.put_code("e", f"{tables}[e * {1 << layer.address_bits} + address]")}
    }}"""
    title = f"{layer.neurons} tables of {layer.address_bits} bits, {layer.inputs} {layer.input} to {layer.output}"
    return program.function(layer.name, title, (given,), out, body)
