"""What a window unit is made of (:mod:`bnnhw.units.window.rtl`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bnnhw.dataflow.inventory import Inventory, buffer, chains, counter, queue
from bnnhw.ir.types import narrowest

if TYPE_CHECKING:
    from bnnhw.units.window.model import WindowUnit

__all__ = ["inventory"]


def inventory(unit: WindowUnit) -> Inventory:
    """Counters of the loops; differences for what is there and what is given up; the address; buffer and queue."""
    t, width, tech = unit.timing, unit.width, unit.technology
    padded = not t.inside.all()
    found = Inventory(
        {
            "window": 1,
            "window.loop": len(t.loops),
            "window.loop.bit": sum((loop.size - 1).bit_length() + 1 for loop in t.loops),
            "window.register": width,
            "window.padded": width * padded,
        }
    )
    surpluses = [("base", t.window_words), ("index", 1), *([] if t.inside[0] else [("frame", 1)])]
    for walked, less in surpluses:
        low, high = (bound - less for bound in t.surplus_range(walked))
        bits = narrowest(min(low, -1), max(high, 0))[0]
        steps = (0,) * len(t.loops) + (t.words_in,) if walked == "frame" else t.steps(walked)
        found += chains("window.surplus", bits + 1, 1, tech) + _chosen((-step for step in steps), bits)
    for name, size in (("y", unit.window.height), ("x", unit.window.width)):
        for above, used in enumerate(t.outside(name)):
            if used:
                values = t.values(name) - (size if above else 0)
                bits = narrowest(min(int(values.min()), -1), max(int(values.max()), 0))[0]
                found += chains("window.place", bits, 1, tech) + _chosen(t.steps(name), bits)
    size = unit.memory_words
    bits = (size - 1).bit_length()
    steps = tuple(step % size for step in t.steps("index"))
    found += chains("window.address", bits, 1, tech) + _chosen(steps, bits)
    if size & (size - 1):
        found += chains("window.turn", bits + 1, 1, tech) + _chosen((step - size for step in steps), bits + 1)
    return found + counter("window.write", size) + buffer(size, width, tech) + queue(t.credits, width)


def _chosen(steps: Iterable[int], bits: int) -> Inventory:
    """A choice of a number by the loop that steps: its bits that differ, each only once."""
    numbers = list(steps)
    columns = {tuple(number >> bit & 1 for number in numbers) for bit in range(bits)}
    changing = sum(len(set(column)) > 1 for column in columns)
    return Inventory({"window.choice": changing, "window.choice.bit": bits})
