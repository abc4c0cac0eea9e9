"""The cost model: LUT4, registers and block RAMs of a folded network, estimated before anything is synthesized.

Popcounts and block RAMs are counted, the rest is estimated from widths; ``docs/benchmarks.md`` has the estimate beside
what synthesis gave.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bnnhw.folding.chain import Stage, chain
from bnnhw.folding.counter import Technology, plan, technology
from bnnhw.folding.folded import FoldedNetwork
from bnnhw.folding.gearbox import Gearbox
from bnnhw.folding.memories import BLOCK_RAMS, BlockRam, blocks_needed, buffer_style
from bnnhw.folding.pipeline import ArgmaxPipeline, accumulator_shape, argmax_pipeline
from bnnhw.ir import Dense

__all__ = [
    "BLOCK_RAMS",
    "LINK",
    "BlockRam",
    "Resources",
    "blocks_needed",
    "buffer_style",
    "estimate",
    "layer_resources",
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


LINK = Resources(lut4=420, ff=330, bram=1)
"""The serial link of a board design, as synthesized; the frame buffer of up to 512 bytes is its block RAM."""


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


def layer_resources(stage: Stage, tech: Technology) -> Resources:
    """The matrix-vector unit of one stage."""
    layer, folding, p = stage.layer, stage.folding, stage.pipeline
    pe, simd = folding.pe, folding.simd
    counter = plan(simd, tech)
    width = accumulator_shape(*layer.accumulator_range)[0]
    planes = len(layer.planes)
    levels = 0 if layer.output is None else layer.output.levels - 1
    lane_bits = width if layer.output is None else layer.output.bits
    element = (
        planes * counter.luts + (planes - 1) * (counter.bits + 3) + levels * (width + 1) + 2 * (levels > 1) * levels
    )
    if p.accumulate:
        element += width if tech.chain_cell == 1 else 2 * width
    thresholds = levels * (width + 1) * _rom_luts(p.neuron_folds)
    depth = p.interval
    weight_bits = simd * len(layer.weights) * pe
    roms = Resources(round(pe * thresholds), pe * levels * (width + 1) * (p.neuron_folds > 1), 0)
    if depth > 1:
        if folding.memory == "lut":
            roms += Resources(round(weight_bits * _rom_luts(depth)), weight_bits, 0)
        else:
            stages = sorted(set(counter.lane_stages))
            widths = [counter.lane_stages.count(s) * len(layer.weights) * pe for s in stages]
            roms += Resources(0, 0, sum(blocks_needed(depth, w, tech) for w in widths))
    queue = Resources(pe * lane_bits * (p.credits - 1), pe * lane_bits * p.credits, 0)
    registers = pe * (planes * counter.lanes + width * (1 + levels)) + simd * layer.input.bits * (p.read - 1)
    logic = Resources(round(pe * element) + _CONTROL, registers + 60, 0)
    return logic + roms + queue + _buffer(p.buffer_words, simd * layer.input.bits, tech)


def _converter(gearbox: Gearbox | None) -> Resources:
    if gearbox is None:
        return Resources(0, 0, 0)
    if gearbox.kind == "up":
        return Resources(gearbox.input_width + 12, 2 * gearbox.output_width, 0)
    if gearbox.kind == "down":
        return Resources(gearbox.input_width + 12, gearbox.input_width, 0)
    # A multiplexer over the places a word may land in, and one that shifts what is held.
    return Resources(2 * gearbox.capacity + 40, gearbox.capacity + 20, 0)


def _output(pipeline: ArgmaxPipeline, layer: Dense) -> Resources:
    width = accumulator_shape(*layer.accumulator_range)[0]
    score = accumulator_shape(*pipeline.score_range)[0]
    lane = 2 * score + pipeline.add * score + pipeline.multiply * width * (score - width) * 5 // 4
    return Resources(pipeline.lanes * lane + 2 * score + 30, pipeline.lanes * (2 * score + width) + 2 * score, 0)


def estimate(folded: FoldedNetwork, tech: Technology | str) -> Resources:
    """The accelerator alone, without a link."""
    tech = technology(tech) if isinstance(tech, str) else tech
    stages = chain(folded, tech)
    layer, folding = folded.pairs[-1]
    output = _output(argmax_pipeline(folded.network.output, layer, folding), layer)
    parts = [part for stage in stages for part in (_converter(stage.converter), layer_resources(stage, tech))]
    return Resources.total([*parts, output])
