"""How many registers a matrix of constants takes: those that :mod:`bnnhw.units.spatial.rtl` makes, counted alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.ir import Thresholds
from bnnhw.rtl.popcount_plan import CounterPlan
from bnnhw.units.spatial.structure import Counter, Sum

if TYPE_CHECKING:
    from bnnhw.units.spatial.model import SpatialUnit

__all__ = ["Adder", "adders", "registers"]


@dataclass(frozen=True)
class Adder:
    """The sum of two terms.

    Parameters
    ----------
    bits : int
        Of the sum that are in a register.
    cells : int
        Bits that are added: below them one of the terms has nothing.
    waiting : int
        Registers in which the term that is there first waits for the other.
    """

    bits: int
    cells: int
    waiting: int


def adders(total: Sum, sums: Sequence[Sum]) -> Iterator[Adder]:
    """What joins the terms of a sum: those that are ready first are added first."""
    # When each is ready, which one it is, and the places of its lowest bit and of the one above its highest.
    terms = [(c.plan.latency, i, c.shift, c.shift + c.plan.bits) for i, c in enumerate(total.counters)]
    if total.parent is not None:
        before = sums[total.parent]
        terms.append((before.ready, -1, 0, before.bits))
    made = len(terms)
    while len(terms) > 1:
        (early, _, *first), (late, _, *second), *rest = sorted(terms)
        low, high = min(first[0], second[0]), min(max(first[1], second[1]) + 1, total.bits)
        cells = high - max(first[0], second[0])
        yield Adder(high - low, cells, (first[1] - first[0]) * (late - early))
        terms = [*rest, (late + 1, made, low, high)]
        made += 1


def registers(unit: SpatialUnit) -> int:
    """Registers of the arithmetic: of counts, sums and results, and those in which anything waits."""
    return _Count(unit).total()


class _Count:
    """Registers so far.

    Attributes
    ----------
    own : int
        Those of one user.
    waiting : dict of object to int
        Of each value that waits for all of its users, those until the last of them.
    """

    def __init__(self, unit: SpatialUnit) -> None:
        self._unit = unit
        self._free = unit.free
        self.own = 0
        self.waiting: dict[object, int] = {}

    def total(self) -> int:
        made = self._unit.structure
        for number, total in enumerate(made.sums):
            for counter in total.counters:
                self._counter(counter, (number, counter.shift))
            self._terms(total)
        self._results()
        return self.own + sum(self.waiting.values())

    def _after(self, value: object, bits: int) -> None:
        self.waiting[value] = max(self.waiting.get(value, 0), bits)

    def _lane(self, bit: int, stage: int) -> None:
        if self._free:
            self.own += stage
        else:
            self._after(bit, stage)

    def _counter(self, counter: Counter, name: object) -> None:
        lanes, uses = iter(counter.lanes), iter(counter.shared)

        def build(node: CounterPlan, place: tuple[int, ...]) -> object:
            """What a node's count waits as."""
            for number, child in enumerate(node.children):
                part = build(child, (*place, number))
                self._after(part, child.bits * (node.stage - child.stage))
            if node.kind == "triple" and (use := next(uses, None)) is not None:
                return "triple", use[0]
            taken = [next(lanes) for _ in range(node.own_lanes)]
            for bit, _ in taken:
                self._lane(bit, node.stage)
            # A lane alone is the input itself.
            return ("lane", *taken[0]) if node.kind == "lane" else (name, place)

        build(counter.plan, ())
        self.own += counter.plan.bits

    def _terms(self, total: Sum) -> None:
        for adder in adders(total, self._unit.structure.sums):
            self.own += adder.waiting + adder.bits

    def _results(self) -> None:
        unit, made = self._unit, self._unit.structure
        activation, last = unit.matrix.activation, unit.stages
        for neuron, row in zip(made.neurons, _rows(activation, len(made.neurons)), strict=True):
            if neuron.sum is None:
                continue
            total = made.sums[neuron.sum]
            left = last - total.ready
            if not row and not unit.bare:
                self._after((neuron.sum, neuron.offset), unit.lane_bits * left)
            elif unit.bare:
                self._after((neuron.sum, "code"), unit.lane_bits * left)
            elif len(row) == 1:
                met = row[0] - neuron.offset
                self._after((neuron.sum, met), left * (total.low < met <= total.high))
            else:
                met = tuple(min(max(t - neuron.offset, total.low), total.high + 1) for t in row)
                compared = sum(total.low < t <= total.high for t in met)
                self._after((neuron.sum, met), compared + unit.lane_bits * (left - 1))


def _rows(activation: object, neurons: int) -> list[list[int]]:
    """The thresholds of each neuron."""
    return activation.values.tolist() if isinstance(activation, Thresholds) else [[]] * neurons
