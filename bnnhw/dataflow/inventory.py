"""What a unit is made of, counted from its structure: so many bits of sums, of registers, of tables, of queues.

What each of these costs on a family is in a table of measured prices (:mod:`bnnhw.devices.prices`), which
``benchmarks/fit_costs.py`` makes; block RAMs are counted. A part's name begins with the kind of the unit that has it,
or says what units share: a queue, a buffer, a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bnnhw.dataflow.loads import WORD_BITS, Loaded
from bnnhw.dataflow.resources import Resources
from bnnhw.dataflow.word_timing import ElementTiming
from bnnhw.devices import Technology, blocks_needed, buffer_style
from bnnhw.devices.prices import prices

__all__ = [
    "EXACT",
    "FEW_RESETS",
    "UNKNOWN",
    "Inventory",
    "buffer",
    "chains",
    "counter",
    "distinct",
    "element_inventory",
    "levels_inventory",
    "loads",
    "mask_inventory",
    "queue",
    "rom",
    "sums",
]

EXACT: Mapping[str, tuple[float | None, float | None, float | None]] = {
    "lut4": (1, 0, 0),
    "register": (0, 1, 0),
    "alone": (0, 1, None),
}
"""What is known of some parts' prices, in LUT4, registers and lone cells: of a LUT4, of a register behind one, and of a
register that takes what another holds, which has a cell of its own where cells have one register behind one LUT4."""

UNKNOWN = (1.0, 1.0, 0.0)
"""The price of a part that no table has: a LUT4 and a register."""

FEW_RESETS = 8
"""A synchronous set or reset of fewer registers is logic in front of them (:mod:`bnnhw.build.synth`)."""


class Inventory:
    """Amounts of parts.

    A sum or a multiple keeps what it was made of: units of a kind share most of that, and its cost is worked out once.

    Parameters
    ----------
    own : mapping of str to float
        Amounts by name.
    bram, spram : int
        Block RAMs, and large single-port memories, of all of it.
    others : sequence of (int, Inventory)
        What belongs to it too, so many times each.
    """

    __slots__ = ("bram", "cost", "others", "own", "spram")

    def __init__(
        self,
        own: Mapping[str, float] = {},
        bram: int = 0,
        spram: int = 0,
        others: Sequence[tuple[int, Inventory]] = (),
    ) -> None:
        self.own = own
        self.bram = bram
        self.spram = spram
        self.others = others
        self.cost: tuple[str, float, float, float] | None = None

    def __add__(self, other: Inventory) -> Inventory:
        return Inventory.total((self, other))

    @staticmethod
    def total(inventories: Iterable[Inventory]) -> Inventory:
        """All of them together."""
        others: list[tuple[int, Inventory]] = []
        bram = spram = 0
        for one in inventories:
            bram += one.bram
            spram += one.spram
            others.append((1, one))
        return Inventory({}, bram, spram, others)

    def __rmul__(self, times: int) -> Inventory:
        return Inventory({}, times * self.bram, times * self.spram, ((times, self),))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Inventory):
            return NotImplemented
        return (self.parts, self.bram, self.spram) == (other.parts, other.bram, other.spram)

    __hash__ = None  # type: ignore[assignment]

    @property
    def parts(self) -> dict[str, float]:
        """Amounts by name, of all of it."""
        found = dict(self.own)
        for times, other in self.others:
            for name, amount in other.parts.items():
                found[name] = found.get(name, 0) + times * amount
        return found

    def resources(self, technology: Technology) -> Resources:
        """What it costs by the prices of a technology."""
        _, lut4, ff, lone = self._priced(technology.prices)
        return Resources(round(lut4), round(ff), self.bram, self.spram, round(lone))

    def _priced(self, name: str) -> tuple[str, float, float, float]:
        """LUT4, registers and lone cells by a table of prices, and the table's name."""
        known = self.cost
        if known is None or known[0] != name:
            lut4 = ff = lone = 0.0
            if self.own:
                table = prices(name)
                for part, amount in self.own.items():
                    price = table.get(part, UNKNOWN)
                    lut4 += amount * price[0]
                    ff += amount * price[1]
                    lone += amount * price[2]
            for times, other in self.others:
                _, each, registers, cells = other._priced(name)
                lut4 += times * each
                ff += times * registers
                lone += times * cells
            known = self.cost = name, lut4, ff, lone
        return known


@cache
def counter(name: str, size: int, count: int = 1) -> Inventory:
    """Counters over ``0 .. size - 1``, each a register with an adder; one that ends early is compared with its end."""
    bits = (size - 1).bit_length()
    early = bits if size & (size - 1) else 0
    return Inventory({name: count * bits, f"{name}.early": count * early})


@cache
def chains(name: str, width: int, count: float, technology: Technology) -> Inventory:
    """Sums, or comparisons, of so many bits: carry chains, or where these are too short look-up tables."""
    if width <= technology.narrow:
        return Inventory({f"{name}.narrow": count * width})
    cell = technology.chain_cell
    return Inventory({name: count, f"{name}.bit": count * -(-width // cell) * cell})


def sums(name: str, width: int, count: float) -> Inventory:
    """As :func:`chains`, of a unit that knows no technology; narrow is by what it is on some families, or on all."""
    if width <= 4:
        return Inventory({f"{name}.{'tiny' if width <= 2 else 'small'}": count * width})
    return Inventory({name: count, f"{name}.bit": count * width, f"{name}.odd": count * (width % 2)})


def distinct(functions: float, columns: float) -> float:
    """How many different ones there are among so many columns drawn out of so many functions, on average."""
    return functions * (1 - (1 - 1 / functions) ** columns) if functions < 1 << 40 else columns


@cache
def rom(name: str, depth: int, columns: float, groups: float = 1) -> Inventory:
    """A read-only memory in logic behind a register of its address, in so many groups with an address each.

    Of few words most columns are equal to others, or to their complement, and are there once for each group.
    """
    if depth == 1 or not columns:
        return Inventory()
    if depth <= 16:
        different = groups * distinct(float(1 << (depth - 1)), columns / groups)
        return Inventory(
            {f"{name}.table": different, f"{name}.column": groups * distinct(2.0**depth, columns / groups)}
        )
    deep = columns * depth / 16
    return Inventory({f"{name}.deep": deep, f"{name}.deep.address": groups * depth / 16, f"{name}.column": columns})


@cache
def queue(words: int, width: int, *, credited: bool = True, unary: bool = False) -> Inventory:
    """A queue in registers (:mod:`bnnhw.rtl.fifo`), with the count of what it has room for where it is credited."""
    kind = "queue" if credited else "fifo"
    kind = f"{kind}.unary" if unary else kind
    # Of words held, and where it is credited of places left, each with a bit of its own for whether there are any.
    counts = words if unary else words.bit_length()
    flag = not unary
    registers = words * width + counts + (flag and words > 1) + credited * (counts + flag)
    return Inventory(
        {
            kind: 1,
            f"{kind}.count": counts,
            f"{kind}.word": words,
            "register": registers,
            "queue.choice": (words - 1) * width,
            "queue.last": width,
        }
    )


def loads(memories: Iterable[Loaded], technology: Technology) -> Inventory:
    """Memories that are written over the load bus, with the registers in front of them; not the columns they read."""
    found: list[Inventory] = []
    for memory in memories:
        place = (memory.depth - 1).bit_length() + (len(memory.banks) - 1).bit_length()
        # An address is chosen where a memory has one for both ways; a bank is told by its number.
        chosen = (memory.depth - 1).bit_length() * any(bank.style == "spram" for bank in memory.banks)
        found.append(Inventory({"lut4": len(memory.banks) + chosen, "register": WORD_BITS + place + 1}))
        for bank in memory.banks:
            width = len(bank.columns)
            if bank.style == "spram":
                assert technology.spram is not None, "only a family that has SPRAM has such banks"
                found.append(Inventory(spram=-(-memory.depth // technology.spram.depth)))
            elif bank.style == "registers" and memory.depth == 1:
                found.append(Inventory({"register": width}))
            else:
                found.append(buffer(memory.depth, width, technology, bank.style))
    return Inventory.total(found)


@cache
def buffer(depth: int, width: int, technology: Technology, style: str | None = None) -> Inventory:
    """A memory that is written and read, its output register included; of a style, or of that which suits it."""
    style = buffer_style(depth, width, technology) if style is None else style
    if style == "block":
        deep = max(-(-depth // technology.block_ram.depth) - 1, 0)
        return Inventory(
            {"buffer.block": 1, "buffer.block.bit": width, "buffer.block.deep": deep * width},
            blocks_needed(depth, width, technology),
        )
    if style == "distributed":
        banks = -(-depth // 16)
        return Inventory(
            {
                "lut4": banks * -(-width // 4) * 6,
                "buffer.bank": banks - 1,
                "buffer.bank.bit": (banks - 1) * width,
                "buffer.read": width,
            }
        )
    return Inventory(
        {
            "buffer.bit": depth * width,
            "buffer.choice": (depth - 1) * width,
            "buffer.word": depth if depth > 1 else 0,
            "buffer.register": width,
        }
    )


def element_inventory(timing: ElementTiming, lanes: int, given: int, emitted: int, folds: int) -> Inventory:
    """What units that work element by element share (:mod:`bnnhw.rtl.elementwise`): all but arithmetic and constants.

    ``given`` and ``emitted`` are the bits of an element, ``folds`` the words of constants.
    """
    waiting = Inventory({"element": 1, "alone": timing.read * lanes * given + timing.read + timing.compute})
    return waiting + counter("element.fold", folds) + queue(timing.credits, lanes * emitted)


def mask_inventory(minimum: NDArray[np.bool_], lanes: int) -> Inventory:
    """What tells which channels of a word take the minimum (:mod:`bnnhw.rtl.inverted`)."""
    folds = -(-len(minimum) // lanes)
    table = np.zeros((folds, lanes), np.bool_)
    table.reshape(-1)[: len(minimum)] = minimum
    if (table == table[0]).all():
        return Inventory()
    changing = int((table != table[0]).any(axis=0).sum())
    return Inventory({"mask": 1, "mask.lane": changing}) + counter("mask.fold", folds)


def levels_inventory(levels: int) -> Inventory:
    """How many of so many comparisons hold: the adders of a tree of pairs (:func:`bnnhw.rtl.threshold.counted`)."""
    found: dict[str, float] = {}
    terms = [1] * levels
    while len(terms) > 1:
        sums = [max(terms[k : k + 2]) + 1 if k + 1 < len(terms) else terms[k] for k in range(0, len(terms), 2)]
        for bits in sums[: len(terms) // 2]:
            name = f"levels.{min(bits, 5)}"
            found[name] = found.get(name, 0) + 1
        terms = sums
    return Inventory(found)
