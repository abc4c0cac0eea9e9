"""The cost model: LUT4, registers and block RAMs of a folded network, estimated before anything is synthesized.

Popcounts and block RAMs are counted, the rest is estimated from widths; ``docs/benchmarks.md`` has the estimate beside
what synthesis gave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from bnnhw.devices import Technology, blocks_needed, buffer_style, technology
from bnnhw.folding.chain import chain
from bnnhw.folding.counter import plan
from bnnhw.folding.folded import FoldedNetwork
from bnnhw.folding.gearbox import Gearbox
from bnnhw.folding.lower import lower
from bnnhw.folding.pipeline import accumulator_shape
from bnnhw.folding.units import (
    AddUnit,
    AffineUnit,
    ArgmaxUnit,
    BufferUnit,
    ForkUnit,
    InverterUnit,
    MvuUnit,
    PoolUnit,
    QuantizeUnit,
    Unit,
    WidthUnit,
    WindowUnit,
)

__all__ = [
    "NOTHING",
    "Resources",
    "estimate",
    "layer_resources",
    "unit_resources",
]


_CONTROL = 70
"""LUT4 of a unit's counters and handshake."""


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
        return sum(parts, Resources(0, 0, 0))


NOTHING = Resources(0, 0, 0)


def _buffer(depth: int, width: int, tech: Technology) -> Resources:
    style = buffer_style(depth, width, tech)
    if style == "block":
        return Resources(0, 0, blocks_needed(depth, width, tech))
    if style == "distributed":
        return Resources(-(-depth // 16) * -(-width // 4) * 6 + (width * (-(-depth // 16) - 1)), width, 0)
    return Resources(width * (depth - 1), depth * width + width, 0)


def _rom_luts(depth: int) -> float:
    """LUT4 a bit of a read-only memory in logic: a table of 16 words is one, deeper ones multiplex such tables."""
    return 0 if depth == 1 else 1 if depth <= 16 else depth / 8


@cache
def _lanes_by_stage(simd: int, tech: Technology) -> tuple[int, ...]:
    """How many lanes of a popcount are due in each cycle."""
    return tuple(Counter(plan(simd, tech).lane_stages).values())


def layer_resources(unit: MvuUnit, tech: Technology) -> Resources:
    """A matrix-vector unit."""
    layer, folding, p = unit.layer, unit.folding, unit.pipeline
    pe, simd = folding.pe, folding.simd
    counter = plan(simd, tech)
    width = accumulator_shape(*layer.accumulator_range)[0]
    planes = len(layer.planes) // p.serial
    levels = 0 if layer.activation is None else layer.output.levels - 1
    lane_bits = width if layer.activation is None else layer.output.bits
    element = (
        planes * counter.luts + (planes - 1) * (counter.bits + 3) + levels * (width + 1) + 2 * (levels > 1) * levels
    )
    if p.accumulate:
        element += width if tech.chain_cell == 1 else 2 * width
    if p.serial > 1:
        # What is accumulated of a plane is narrower; added to twice the sum so far.
        element += width
    thresholds = levels * (width + 1) * _rom_luts(p.neuron_folds)
    depth = p.weight_words
    weight_bits = simd * len(layer.weights) * pe
    roms = Resources(round(pe * thresholds), pe * levels * (width + 1) * (p.neuron_folds > 1), 0)
    if depth > 1:
        if folding.memory == "lut":
            roms += Resources(round(weight_bits * _rom_luts(depth)), weight_bits, 0)
        else:
            widths = [lanes * len(layer.weights) * pe for lanes in _lanes_by_stage(simd, tech)]
            roms += Resources(0, 0, sum(blocks_needed(depth, w, tech) for w in widths))
    queue = Resources(pe * lane_bits * (p.credits - 1), pe * lane_bits * p.credits, 0)
    word = (folding.channels(p.multiplier) if p.multiplier else simd) * layer.input.bits
    taken = word // p.serial
    # Of what a group of processing elements reads, registers of its own.
    groups = -(-(min(pe, p.multiplier) if p.multiplier else pe) // tech.group)
    registers = pe * (planes * counter.lanes + width * (1 + levels)) + taken * groups * min(p.read - 1, 1)
    if p.serial > 1:
        registers += word + pe * width
    # Choosing one of P planes: 2 to 1 in one look-up table, 4 to 1 in two, 8 to 1 in five.
    chosen = taken * -(-2 * (p.serial - 1) // 3)
    logic = Resources(round(pe * element + chosen) + _CONTROL, registers + 60, 0)
    return logic + roms + queue + _buffer(p.buffer_words, word, tech)


def _converter(gearbox: Gearbox) -> Resources:
    if gearbox.kind == "up":
        return Resources(gearbox.input_width + 12, 2 * gearbox.output_width, 0)
    if gearbox.kind == "down":
        return Resources(gearbox.input_width + 12, gearbox.input_width, 0)
    # A multiplexer over the places a word may land in, and one that shifts what is held.
    return Resources(2 * gearbox.capacity + 40, gearbox.capacity + 20, 0)


def _output(unit: ArgmaxUnit) -> Resources:
    pipeline = unit.pipeline
    width = accumulator_shape(*unit.layer.accumulator_range)[0]
    score = accumulator_shape(*pipeline.score_range)[0]
    lane = 2 * score + pipeline.add * score + pipeline.multiply * width * (score - width) * 5 // 4
    return Resources(pipeline.lanes * lane + 2 * score + 30, pipeline.lanes * (2 * score + width) + 2 * score, 0)


def _queue(words: int, width: int) -> Resources:
    """A queue in registers."""
    return Resources(width * (words - 1), width * words, 0)


def _window(unit: WindowUnit, tech: Technology) -> Resources:
    p, width = unit.pipeline, unit.lanes * unit.bits
    # Counters of the loops; differences for what is there and what is given up; the address in the circle.
    counted = 3 * p.buffer_words.bit_length() + sum(loop.size.bit_length() for loop in p.loops)
    steps = 3 * len(p.loops) * p.buffer_words.bit_length() // 2
    control = Resources(2 * counted + steps + 30, counted + 20, 0)
    return (
        control + _buffer(p.memory_words(width, tech), width, tech) + _queue(p.credits, width) + Resources(0, width, 0)
    )


def _pool(unit: PoolUnit) -> Resources:
    bits = unit.layer.output.bits
    # OR of bits is one look-up table with the choice of the first; a sum or a comparison needs its carry chain too.
    element = 2 if bits == 1 else 3 * bits
    return Resources(unit.lanes * element + 12, 2 * unit.lanes * bits + 8, 0)


def _elementwise(unit: QuantizeUnit | AffineUnit) -> Resources:
    layer, p, lanes = unit.layer, unit.pipeline, unit.lanes
    folds = p.words // (layer.shape[1] * layer.shape[2])
    if isinstance(unit, QuantizeUnit):
        levels = layer.output.levels - 1
        constants = levels * (layer.input.bits + 1)
        element = levels * (layer.input.bits + 1) + 2 * (levels > 1) * levels
    else:
        bits = layer.output.bits
        terms = 1 if unit.pipeline.shifts else 1 << unit.pipeline.multiply
        constants = unit.pipeline.add * bits + (terms if unit.pipeline.multiply else 0)
        element = bits * (unit.pipeline.add + (2 * terms if unit.pipeline.multiply else 0))
    roms = Resources(round(lanes * constants * _rom_luts(folds)), lanes * constants * (folds > 1), 0)
    registers = lanes * (p.read * layer.input.bits + p.compute * layer.output.bits)
    return roms + Resources(lanes * element + 20, registers + 20, 0) + _queue(p.credits, lanes * layer.output.bits)


def _shortcut(unit: BufferUnit, tech: Technology) -> Resources:
    p = unit.pipeline
    control = Resources(3 * p.depth.bit_length() + 15, 3 * p.depth.bit_length() + p.width + 5, 0)
    return control + _buffer(max(p.buffer_words, p.depth if not p.in_memory else 0), p.width, tech)


def unit_resources(unit: Unit, tech: Technology) -> Resources:
    """Any unit."""
    match unit:
        case MvuUnit():
            return layer_resources(unit, tech)
        case WidthUnit():
            return _converter(unit.pipeline)
        case WindowUnit():
            return _window(unit, tech)
        case InverterUnit():
            return Resources(unit.lanes * unit.layer.input.bits // 2, 4, 0)
        case PoolUnit():
            return _pool(unit)
        case QuantizeUnit() | AffineUnit():
            return _elementwise(unit)
        case ForkUnit():
            return Resources(6, 2, 0)
        case BufferUnit():
            return _shortcut(unit, tech)
        case AddUnit():
            return Resources(unit.lanes * unit.output.bits + 6, unit.lanes * unit.output.bits + 1, 0)
        case ArgmaxUnit():
            return _output(unit)


def estimate(folded: FoldedNetwork, tech: Technology | str, *, quick: bool = False) -> Resources:
    """The accelerator alone, without a link.

    Parameters
    ----------
    quick : bool
        With depths of the queues in residual layers that are guessed, not derived frame by frame.
    """
    tech = technology(tech) if isinstance(tech, str) else tech
    units = lower(folded, tech, None) if quick else chain(folded, tech)
    return Resources.total(unit_resources(stage.unit, tech) for stage in units.stages)
