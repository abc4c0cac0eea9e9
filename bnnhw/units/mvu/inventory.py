"""What a matrix-vector unit is made of (:mod:`bnnhw.units.mvu.rtl`), counted from its structure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from bnnhw.dataflow.inventory import Inventory, buffer, chains, counter, levels_inventory, loads, queue, rom
from bnnhw.devices import Technology, blocks_needed
from bnnhw.ir import DataType
from bnnhw.ir.types import narrowest
from bnnhw.rtl.popcount_plan import CounterPlan, plan
from bnnhw.units.mvu.batch_timing import BEHIND

if TYPE_CHECKING:
    from bnnhw.units.mvu.model import MvuUnit

__all__ = ["inventory"]


def inventory(unit: MvuUnit) -> Inventory:
    """All of it."""
    vectors = unit.folding.vectors
    found = [*_control(unit), *_weights(unit), _thresholds(unit), loads(unit.loads, unit.technology), _resets(unit)]
    each = [_elements(unit), *_readers(unit)]
    if vectors == 1:
        return Inventory.total((*found, *each, queue(unit.timing.credits, unit.pe * unit.lane_bits)))
    # Elements, inputs, buffer and queue for each vector; what counts, reads weights and thresholds is shared.
    width, words = unit.pe * unit.lane_bits, unit.timing.credits
    each += [buffer(words, width, unit.technology), Inventory({"stream": 1, "stream.level": 2 * words.bit_length()})]
    each.append(counter("stream.place", words, 2))
    # Two lanes of an output word are masked and joined in a look-up table, each one more in another.
    found += [Inventory({"lut4": width * (vectors - 1), "register": width, "alone": vectors + 2}), queue(BEHIND, width)]
    # An input word, its place and its bank wait a cycle before the banks, where a vector has several words.
    if unit.timing.synapse_folds > 1:
        place = (2 * unit.timing.synapse_folds - 1).bit_length()
        found.append(Inventory({"alone": unit.input_lanes * unit.matrix.input.bits + place + vectors}))
    return Inventory.total((*found, vectors * Inventory.total(each)))


def _groups(unit: MvuUnit) -> int:
    """Registers of their own of what groups of processing elements read."""
    pe, multiplier = unit.pe, unit.multiplier
    return -(-(min(pe, multiplier) if multiplier else pe) // unit.technology.group)


@cache
def _popcount(simd: int, technology: Technology) -> Inventory:
    """One popcount: its tables as planned, its carry chains, registers behind either, and those that only wait."""
    found, whole = Inventory(), plan(simd, technology)

    def visit(node: CounterPlan) -> int:
        nonlocal found
        below = sum(visit(child) for child in node.children)
        if node.kind == "chain":
            found += chains("mvu.count", node.bits, 1, technology)
        else:
            found += Inventory({"lut4": node.luts - below})
        for child in node.children:
            cycles = node.stage - child.stage
            if cycles:
                found += Inventory({"register": child.bits, "alone": child.bits * (cycles - 1)})
        return node.luts

    visit(whole)
    return found + Inventory({"register": whole.bits})


@cache
def _waiting(simd: int, technology: Technology) -> int:
    """Cycles that the lanes of a popcount wait, all together."""
    return sum(plan(simd, technology).lane_stages)


@cache
def _lanes_by_stage(simd: int, technology: Technology) -> tuple[int, ...]:
    """How many lanes of a popcount are due in each cycle."""
    return tuple(Counter(plan(simd, technology).lane_stages).values())


def _weighted(coefficients: list[int], simd: int, cycles: int, technology: Technology) -> Inventory:
    """The weighted sum of planes, two and two: below the higher of two terms the other's bits are not added."""
    found = Inventory()
    # The greatest value of each, and its bits at the bottom that are always 0.
    terms = [(coefficient * simd, (coefficient & -coefficient).bit_length() - 1) for coefficient in coefficients]
    for _ in range(cycles):
        pairs: list[tuple[int, int]] = []
        for k in range(0, len(terms) - 1, 2):
            (one, low), (other, high) = sorted(terms[k : k + 2], key=lambda term: term[1])
            bits = (one + other).bit_length()
            found += chains("mvu.combine", bits - high, 1, technology) + Inventory({"register": bits - low})
            pairs.append((one + other, low))
        if len(terms) % 2:
            found += Inventory({"alone": terms[-1][0].bit_length() - terms[-1][1]})
            pairs.append(terms[-1])
        terms = pairs
    return found


class _Shape(NamedTuple):
    """What a processing element depends on."""

    simd: int
    coefficients: tuple[int, ...]
    range: tuple[int, int]
    plane: tuple[int, int]
    combine: int
    accumulates: bool
    serial: bool
    fixed: bool
    output: DataType | None
    technology: Technology


@cache
def _element(shape: _Shape) -> Inventory:
    """A processing element; ``fixed``: its thresholds are constants."""
    tech, (low, high) = shape.technology, shape.range
    width = narrowest(low, high)[0]
    found = [_popcount(shape.simd, tech)] * len(shape.coefficients)
    found.append(_weighted([abs(each) for each in shape.coefficients], shape.simd, shape.combine, tech))
    if shape.serial:
        found += [chains("mvu.shift", width, 1, tech), Inventory({"register": width, "mvu.shifts": 1})]
    if shape.accumulates:
        bits = narrowest(*shape.plane)[0]
        found += [chains("mvu.accumulate", bits, 1, tech), Inventory({"register": bits, "mvu.accumulates": 1})]
    if shape.output is not None:
        levels, compared = shape.output.levels - 1, narrowest(low, high + 1)[0]
        kind = "mvu.compare.constant" if shape.fixed else "mvu.compare"
        found += [chains(kind, compared, levels, tech), Inventory({"mvu.met": levels})]
        if levels > 1:
            found += [levels_inventory(levels), Inventory({"register": shape.output.bits})]
    return Inventory.total(found)


def _resets(unit: MvuUnit) -> Inventory:
    """A register of the reset for each group of processing elements, where there are several."""
    elements, group = unit.pe * unit.folding.vectors, unit.technology.group
    return Inventory({"alone": -(-elements // group)}) if elements > group and unit.timing.sums else Inventory()


def _elements(unit: MvuUnit) -> Inventory:
    """The processing elements."""
    matrix, t = unit.matrix, unit.timing
    limits = plane = matrix.accumulator_range
    coefficients = tuple(coefficient for coefficient, _, _ in matrix.planes)
    if t.serial > 1:
        coefficients = tuple(weights.coefficient for weights in matrix.weights)
        low, high = (
            matrix.synapses * sum(each for each in coefficients if (each < 0) == negative) for negative in (True, False)
        )
        plane = low, high
    shape = _Shape(
        unit.simd,
        coefficients,
        limits,
        plane,
        t.combine,
        bool(t.accumulate),
        t.serial > 1,
        t.neuron_folds == 1,
        None if matrix.activation is None else matrix.output,
        unit.technology,
    )
    return unit.pe * _element(shape)


def _readers(unit: MvuUnit) -> Iterator[Inventory]:
    """The replay buffer, and the registers in which inputs wait for popcounts."""
    matrix, t, tech = unit.matrix, unit.timing, unit.technology
    word = unit.input_lanes * matrix.input.bits
    taken, groups = word // t.serial, _groups(unit)
    yield buffer(t.buffer_words // unit.folding.vectors, word, tech)
    waiting = taken * groups if t.read > 1 else 0
    if not unit.multiplier:
        waiting += _waiting(unit.simd, tech) * (matrix.input.bits // t.serial) * (groups if t.read > 1 else 1)
        spare = t.synapse_folds * unit.simd - matrix.synapses
        yield Inventory({"mvu.filled": spare * matrix.input.bits})
    if t.serial > 1:
        waiting += word
        yield Inventory({"mvu.plane": taken, "mvu.plane.bits": taken * t.serial})
    yield Inventory({"alone": waiting})


def _control(unit: MvuUnit) -> Iterator[Inventory]:
    """Counters, handshake, queue, and what runs beside the words on their way."""
    t, pe = unit.timing, unit.pe
    groups = -(-pe // unit.technology.group)
    flags = 3 if t.serial > 1 else 2
    beside = flags * (t.read + t.count + t.combine - 2 + groups) + 2 + t.accumulate + t.shift_add + t.threshold
    yield Inventory(
        {
            "mvu": 1,
            "mvu.replayed": int(t.passes > 1),
            "mvu.serial": int(t.serial > 1),
            "alone": beside,
            "mvu.level": 2 * t.buffer_words.bit_length(),
        }
    )
    yield counter("mvu.place", t.buffer_words, 3 if t.passes > 1 else 2)
    # Where the last word is filled up, words are counted as they come, too.
    filled = t.synapse_folds * unit.simd != unit.matrix.synapses and not unit.multiplier
    yield counter("mvu.synapse", t.synapse_folds, 2 if filled else 1)
    yield counter("mvu.pass", t.passes)
    yield counter("mvu.word", t.weight_words)
    if unit.levels:
        yield counter("mvu.fold", t.neuron_folds)


def _weights(unit: MvuUnit) -> Iterator[Inventory]:
    """The weights' memories, and the addresses that wait for lanes which are due later."""
    matrix, t, pe, tech = unit.matrix, unit.timing, unit.pe, unit.technology
    if t.weight_words == 1:
        return
    address = (t.weight_words - 1).bit_length()
    by_stage = _lanes_by_stage(unit.simd, tech)
    planes = len(matrix.weights)
    if unit.folding.memory == "lut":
        groups = -(-pe // tech.group)
        yield Inventory({"alone": address * (groups * len(by_stage) + max(t.read - 2, 0))})
        for lanes in by_stage:
            yield rom("weights", t.weight_words, lanes * planes * pe, groups)
        return
    widths = [lanes * planes * pe for lanes in by_stage]
    if (weights := unit.loaded("weights")) is not None:
        stages = unit.lane_stages * pe
        widths = list(Counter(stages[column] for column in weights.rest).values())
    yield Inventory({"alone": address * (len(by_stage) - 1 + max(t.read - 2, 0))})
    yield _block(t.weight_words, widths, tech)


def _block(depth: int, widths: list[int], technology: Technology) -> Inventory:
    """Memories in block RAM that are only read, side by side."""
    deep = -(-depth // technology.block_ram.depth) - 1
    blocks = sum(blocks_needed(depth, width, technology) for width in widths)
    return Inventory({"weights.block.deep": deep * sum(widths)}, blocks)


def _thresholds(unit: MvuUnit) -> Inventory:
    if unit.loaded("thresholds") is not None:
        return Inventory()
    low, high = unit.matrix.accumulator_range
    depth, columns = unit.timing.neuron_folds, unit.pe * unit.levels * narrowest(low, high + 1)[0]
    if unit.folding.thresholds == "block" and depth > 1 and columns:
        return _block(depth, [columns], unit.technology)
    groups = unit.threshold_groups
    beside = Inventory({"alone": (groups - 1) * (depth - 1).bit_length()}) if depth > 1 else Inventory()
    return Inventory.total((rom("thresholds", depth, columns, groups), beside))
