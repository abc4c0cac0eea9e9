"""What designs and their parts cost, estimated before anything is synthesized.

Popcounts and block RAMs are counted, the rest is estimated from widths; ``docs/benchmarks.md`` has the estimate beside
what synthesis gave. Each unit's model has its own estimate, of the parts that stand here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bnnhw.dataflow.loads import WORD_BITS, Loaded
from bnnhw.devices import Technology, blocks_needed, buffer_style

__all__ = [
    "NOTHING",
    "Resources",
    "buffer_resources",
    "loads_resources",
    "queue_resources",
    "rom_luts",
    "style_resources",
]


@dataclass(frozen=True)
class Resources:
    """What a design, or a part of it, needs."""

    lut4: int
    ff: int
    bram: int
    spram: int = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.lut4 + other.lut4, self.ff + other.ff, self.bram + other.bram, self.spram + other.spram)

    @staticmethod
    def total(parts: Iterable[Resources]) -> Resources:
        return sum(parts, NOTHING)


NOTHING = Resources(0, 0, 0)
"""What nothing costs."""


def buffer_resources(depth: int, width: int, technology: Technology) -> Resources:
    """A memory that is written and read."""
    return style_resources(buffer_style(depth, width, technology), depth, width, technology)


def style_resources(style: str, depth: int, width: int, technology: Technology) -> Resources:
    """The same, of a style that was chosen."""
    if style == "block":
        return Resources(0, 0, blocks_needed(depth, width, technology))
    if style == "distributed":
        return Resources(-(-depth // 16) * -(-width // 4) * 6 + (width * (-(-depth // 16) - 1)), width, 0)
    return Resources(width * (depth - 1), depth * width + width, 0)


def rom_luts(depth: int) -> float:
    """LUT4 per bit of a read-only memory in logic: a table of 16 words is one, deeper ones multiplex such tables."""
    return 0 if depth == 1 else 1 if depth <= 16 else depth / 8


def loads_resources(memories: Iterable[Loaded], technology: Technology) -> Resources:
    """Memories that are written over the load bus, with the registers in front of them; not the columns they read."""
    found = NOTHING
    for memory in memories:
        place = (memory.depth - 1).bit_length() + (len(memory.banks) - 1).bit_length()
        # An address is chosen where a memory has one for both ways; a bank is told by its number.
        chosen = (memory.depth - 1).bit_length() * any(bank.style == "spram" for bank in memory.banks)
        found += Resources(len(memory.banks) + chosen, WORD_BITS + place + 1, 0)
        for bank in memory.banks:
            width = len(bank.columns)
            if bank.style == "spram":
                assert technology.spram is not None, "only a family that has SPRAM has such banks"
                found += Resources(0, 0, 0, -(-memory.depth // technology.spram.depth))
            elif bank.style == "registers" and memory.depth == 1:
                found += Resources(0, width, 0)
            else:
                found += style_resources(bank.style, memory.depth, width, technology)
    return found


def queue_resources(words: int, width: int, *, unary: bool = False) -> Resources:
    """A queue in registers; ``unary``: with counts of words and of places in unary, a bit of each beside every word."""
    return Resources(width * (words - 1) + 2 * words * unary, width * words + 2 * words * unary, 0)
