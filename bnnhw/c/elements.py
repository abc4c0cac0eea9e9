"""Layers that make each element of the element in its place, or of those in its place in several streams."""

from __future__ import annotations

from textwrap import indent

from bnnhw.c.program import Program
from bnnhw.c.streams import Stream

__all__ = ["each_element"]


def each_element(
    program: Program, name: str, title: str, given: tuple[Stream, ...], out: Stream, statements: str, number: str
) -> Stream:
    """Add a function of statements that are run for every element.

    Parameters
    ----------
    program : Program
    name, title : str
        The layer's; what it does.
    given : tuple of Stream
        What it reads: the numbers ``v``, ``v1`` and so on.
    out : Stream
        What it writes, of as many elements: element ``e``, of channel ``c``.
    statements : str
        They may use ``v``, ``e`` and ``c``.
    number : str
        The C type of the numbers.
    """
    channels = out.shape[0]
    lines = [
        f"const {number} v{index} = {program.value(stream, f'x{index}', 'e')};"
        for index, stream in zip(("", "1"), given, strict=False)
    ]
    body = indent("\n".join([*lines, statements]), "        ")
    step = f", c = c + 1 < {channels} ? c + 1 : 0" if "[c" in statements else ""
    start = "size_t e = 0, c = 0" if step else "size_t e = 0"
    loop = f"    for ({start}; e < {out.elements}; e++{step}) {{\n{body}\n    }}"
    return program.function(name, title, given, out, loop)
