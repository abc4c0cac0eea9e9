"""A C program in the making: tables, functions, the order in which they are called, and the memory between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.c.names import Names, comment
from bnnhw.c.parts import GLOBAL, PARTS
from bnnhw.c.scratch import Span, place
from bnnhw.c.streams import Stream
from bnnhw.c.tables import declaration, integer_type, pack
from bnnhw.ir import DataType, Shape

__all__ = ["Program"]


@dataclass(frozen=True, eq=False)
class _Call:
    """One function that is called for each frame: what it reads, writes and works in."""

    function: str
    given: tuple[Stream, ...]
    result: Stream
    work: Stream | None

    @property
    def written(self) -> tuple[Stream, ...]:
        return (self.result,) if self.work is None else (self.result, self.work)


class Program:
    """The functions of a network's layers.

    Parameters
    ----------
    name : str
        Prefix of all C names.
    word_bits : int
        32 or 64.
    shape, dtype
        Of the input.

    Attributes
    ----------
    input : Stream
        The one that no function writes.
    """

    def __init__(self, name: str, word_bits: int, shape: Shape, dtype: DataType) -> None:
        self.name, self.word_bits = name, word_bits
        self.word = f"{name}_word"
        self.tables: list[str] = []
        self.functions: list[str] = []
        self.parts: set[str] = set()
        self.table_bytes = 0
        self._calls: list[_Call] = []
        self._names = Names(name, {*PARTS, *GLOBAL})
        self._known: dict[tuple[str, bytes], str] = {}
        self.input = self.stream(shape, dtype)

    def stream(self, shape: Shape, dtype: DataType) -> Stream:
        return Stream(self.name, self.word_bits, shape, dtype)

    def need(self, *parts: str) -> None:
        """Says which of the shared functions are called; those that they call come with them."""
        for part in parts:
            if part not in self.parts:
                self.parts.add(part)
                self.need(*PARTS[part])

    def identifier(self, text: str) -> str:
        """A C name like a text, given to nothing else."""
        return self._names.unique(text)

    def table(self, name: str, array: NDArray[Any], ctype: str | None = None) -> str:
        """Add a constant table, or find one that holds the same.

        Parameters
        ----------
        name : str
            What it is called, or its like.
        array : array
        ctype : str, optional
            The narrowest that holds its integers without it.

        Returns
        -------
        str
            Its C name.
        """
        if ctype is None:
            ctype = integer_type(int(array.min()), int(array.max()))
        key = (ctype, np.ascontiguousarray(array).tobytes())
        if key not in self._known:
            found = self._known[key] = self.identifier(name)
            self.tables.append(declaration(found, ctype, array))
            self.table_bytes += array.size * self.bytes_of(ctype)
        return self._known[key]

    def bit_table(self, name: str, bits: NDArray[np.uint8]) -> str:
        """The same of rows of bits, each in words of its own; in narrower ones where one word holds a row."""
        words = pack(bits, self.word_bits)
        width = next((width for width in (8, 16, 32) if bits.shape[-1] <= width), self.word_bits)
        return self.table(name, words, self.word if width >= self.word_bits else f"uint{width}_t")

    def bytes_of(self, ctype: str) -> int:
        """The size of a C type."""
        if ctype in ("float", "double"):
            return 4 if ctype == "float" else 8
        return (self.word_bits if ctype == self.word else int("".join(filter(str.isdigit, ctype)))) // 8

    def work(self, bits: int, planes: int) -> Stream:
        """Words for so many bits in each of some planes."""
        return self.stream((bits, 1, 1), DataType("uint", planes))

    def value(self, stream: Stream, pointer: str, index: str) -> str:
        """C for the number that an element of a stream stands for."""
        if stream.packed:
            self.need("code")
        return stream.value(pointer, index)

    def function(
        self,
        name: str,
        title: str,
        given: tuple[Stream, ...],
        result: Stream,
        body: str,
        work: Stream | None = None,
    ) -> Stream:
        """Add the function of a layer, and its call.

        Parameters
        ----------
        name : str
            The layer's.
        title : str
            What it does, for the comment above it.
        given : tuple of Stream
            What it reads: ``x``, ``x1`` and so on in its body.
        result : Stream
            What it writes: ``y``. Bit planes are cleared before the body.
        body : str
            Its statements.
        work : Stream, optional
            Words for itself: ``v``.

        Returns
        -------
        Stream
            ``result``.
        """
        self.need(*result.parts)
        function = self.identifier(name)
        parameters = [f"const {stream.ctype} *x{number or ''}" for number, stream in enumerate(given)]
        parameters += [f"{stream.ctype} *{letter}" for stream, letter in ((result, "y"), (work, "v")) if stream]
        head = f"static void {function}({', '.join(parameters)})"
        start = f"    {result.clear}\n" if result.clear else ""
        self.functions.append(
            f"/* {comment(name)}: {comment(title)} */\n{head}\n{{\n{start}{body.strip(chr(10))}\n}}\n"
        )
        self._calls.append(_Call(function, given, result, work))
        return result

    def calls(self) -> tuple[list[str], dict[str, int], str]:
        """The calls of a frame in order, how many of each C type the memory between them holds, and where the last
        stream lies.

        The input lies at the beginning of the words.
        """
        spans: dict[Stream, Span] = {self.input: Span(self.input.size, -1, 0)}
        for number, call in enumerate(self._calls):
            for stream in call.given:
                spans[stream] = replace(spans[stream], last=number)
            for stream in call.written:
                spans[stream] = Span(stream.size, number, number)
        # What the last call writes is read by the output.
        end = self._calls[-1].result
        spans[end] = replace(spans[end], last=len(self._calls))
        places: dict[Stream, str] = {}
        sizes: dict[str, int] = {}
        for ctype in sorted({stream.ctype for stream in spans}, key=lambda ctype: ctype != self.word):
            streams = [stream for stream in spans if stream.ctype == ctype]
            found, sizes[ctype] = place([spans[stream] for stream in streams])
            for stream, at in zip(streams, found, strict=True):
                places[stream] = f"s->{self.member(ctype)}" + (f" + {at}" if at else "")
        texts = [
            f"{call.function}({', '.join(places[stream] for stream in (*call.given, *call.written))});"
            for call in self._calls
        ]
        return texts, sizes, places[end]

    def member(self, ctype: str) -> str:
        """Where the scratch memory has what is of a C type."""
        return "words" if ctype == self.word else ctype.removesuffix("_t")
