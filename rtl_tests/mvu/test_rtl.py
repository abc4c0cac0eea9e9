# amaranth: UnusedElaboratable=no
"""Matrix-vector units of many foldings against products of signs in NumPy, and against their own formulas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil

import numpy as np
import pytest

from bnnhw.devices import FAMILIES, technology
from bnnhw.folding import LayerFolding
from bnnhw.ir import BatchNorm, Dense
from bnnhw.ir.activation import batch_norm_sign
from bnnhw.rtl.emit import rtlil
from bnnhw.rtl.popcount_plan import plan
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.rtl import Mvu
from rtl_tests.mvu.traffic import Traffic
from rtl_tests.storage import memories
from rtl_tests.streams import Driver, Monitor, Run, differences, simulate
from tests.layers import random_layer


@dataclass(frozen=True)
class Case:
    """N neurons, K synapses, PE, SIMD, and what flows."""

    neurons: int
    synapses: int
    pe: int
    simd: int
    memory: str
    technology: str
    input: str = "bipolar"
    output: str | None = "bipolar"
    coefficients: tuple[int, ...] = (1,)
    order: str = "parallel"

    def __str__(self) -> str:
        planes = "".join(f"{c:+}" for c in self.coefficients)
        return (
            f"{self.neurons}x{self.synapses}-{self.pe}x{self.simd}-{self.memory}-{self.technology}"
            f"-{self.input}-{self.output}-{planes}-{self.order}"
        )

    def unit(self) -> Mvu:
        rng = np.random.default_rng(self.neurons * 100 + self.synapses)
        layer = random_layer(rng, self.neurons, self.synapses, self.input, self.output, self.coefficients)
        return Mvu(
            MvuUnit(
                layer, LayerFolding(self.pe, self.simd, self.memory, planes=self.order), technology(self.technology)
            )
        )


CASES = [
    # Both folds, divisors, every technology and memory.
    Case(8, 16, 2, 4, "lut", "generic"),
    Case(8, 16, 2, 4, "block", "generic"),
    Case(8, 16, 2, 4, "lut", "ice40"),
    Case(8, 16, 2, 4, "block", "ice40"),
    Case(8, 16, 2, 4, "lut", "ecp5"),
    Case(8, 16, 2, 4, "block", "ecp5"),
    # SF = 1, NF = 1, both; PE = N; one lane, one neuron, one of each.
    Case(8, 6, 2, 6, "block", "ice40"),
    Case(4, 12, 4, 3, "block", "ecp5"),
    Case(4, 7, 4, 7, "lut", "ice40"),
    Case(4, 7, 4, 7, "block", "ecp5", "uint2", "uint2"),
    Case(4, 6, 1, 1, "lut", "ice40"),
    Case(5, 1, 2, 1, "block", "ice40"),
    Case(1, 9, 1, 3, "lut", "ecp5"),
    Case(1, 1, 1, 1, "block", "generic"),
    Case(1, 1, 1, 1, "lut", "ice40", "bipolar", None),
    # Neither PE nor SIMD divides.
    Case(7, 13, 3, 5, "lut", "ecp5"),
    Case(7, 13, 3, 5, "block", "ice40", "uint2", "uint2"),
    Case(5, 9, 4, 8, "block", "generic", "int2", "int2"),
    Case(3, 8, 2, 7, "lut", "generic", "int3", None),
    # Several planes of inputs, of weights, of both; coefficients that are no power of two, negative ones.
    Case(4, 10, 2, 5, "lut", "ice40", "uint4", "bipolar"),
    Case(4, 10, 2, 4, "block", "ecp5", "bipolar", "uint2", (1, 2)),
    Case(4, 10, 4, 5, "block", "ice40", "uint1", "int2", (1, -2)),
    Case(3, 10, 1, 10, "lut", "ecp5", "int2", "uint3", (1, 1)),
    Case(3, 10, 2, 3, "block", "generic", "bipolar", "bipolar", (3,)),
    Case(3, 6, 3, 2, "lut", "ice40", "bipolar", None, (-1,)),
    Case(6, 8, 3, 4, "block", "ecp5", "bipolar", None, (1, 1, 1)),
    Case(4, 6, 2, 3, "block", "ecp5", "uint8", None),
    # Many lanes: the popcount is deeper than the synapse fold is long.
    Case(4, 70, 2, 35, "block", "ecp5"),
    Case(2, 72, 1, 72, "lut", "ice40"),
    # Planes one after another: every technology, both folds and neither; signed; several weight planes; one plane.
    Case(8, 16, 2, 4, "lut", "generic", "uint2", "bipolar", order="serial"),
    Case(8, 16, 2, 4, "block", "ice40", "uint3", "uint2", order="serial"),
    Case(7, 13, 3, 5, "block", "ecp5", "uint8", "bipolar", order="serial"),
    Case(4, 7, 4, 7, "block", "ecp5", "uint8", "uint2", order="serial"),
    Case(4, 7, 2, 7, "lut", "ice40", "int2", "bipolar", order="serial"),
    Case(3, 8, 2, 7, "lut", "generic", "int3", None, order="serial"),
    Case(3, 10, 3, 4, "block", "generic", "int8", None, (1, -2), order="serial"),
    Case(3, 10, 1, 10, "lut", "ecp5", "int2", "uint3", (1, 1), order="serial"),
    Case(3, 6, 3, 2, "lut", "ice40", "uint4", None, (-1,), order="serial"),
    Case(1, 1, 1, 1, "block", "ice40", "uint5", "bipolar", order="serial"),
    Case(8, 16, 2, 4, "block", "ecp5", "bipolar", order="serial"),
    # More processing elements than one register feeds.
    Case(18, 10, 18, 5, "lut", "generic"),
    Case(20, 10, 10, 5, "block", "ecp5", "uint2", "uint2"),
    Case(18, 10, 18, 10, "lut", "ecp5", "uint3", None, order="serial"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_mvu(case: Case) -> None:
    unit = case.unit()
    sf, nf = ceil(case.synapses / case.simd), ceil(case.neurons / case.pe)
    planes = unit.model.matrix.input.bits if case.order == "serial" else 1
    interval, latency = sf * nf * planes, sf * nf * planes + unit.model.timing.depth
    assert (unit.model.timing.interval, unit.model.timing.latency) == (interval, latency)
    traffic = Traffic(unit, seed=1)

    async def scenario(bench: Run) -> None:
        # Full speed: no bubble between vectors, from the first on.
        sent, due = traffic.frames(4)
        assert len(sent) == 4 * sf
        driver, monitor = Driver(sent), Monitor(4 * nf)
        await bench.stream(driver, monitor)
        assert (traffic.read(monitor.words) == due).all()
        last = monitor.offered[nf - 1 :: nf]
        assert last[0] - driver.accepted[0] == latency
        assert set(differences(last)) == {interval}
        # Gaps, stalls, and both.
        for gap, stall in ((0.6, 0), (0, 0.6), (0.4, 0.4)):
            sent, due = traffic.frames(3)
            driver, monitor = Driver(sent, gap), Monitor(3 * nf, stall)
            await bench.stream(driver, monitor)
            assert (traffic.read(monitor.words) == due).all()
        # A long stall: every credit spent, then all but the last word of one more neuron fold; what the last neuron
        # folds among these have read for the last time makes room beside the buffer. Then it gives everything.
        vectors, rest = divmod(unit.model.timing.credits, nf)
        room = unit.model.timing.buffer_words + vectors * sf + (sf - 1) * (rest == nf - 1)
        frames = ceil((room + 1) / sf)
        sent, due = traffic.frames(frames)
        deaf = 2 * (latency + interval) + 2 * room + unit.model.timing.credits * sf * planes
        driver, monitor = Driver(sent), Monitor(frames * nf, deaf=deaf)
        await bench.stream(driver, monitor)
        assert sum(cycle < deaf for cycle in driver.accepted) == room
        assert (traffic.read(monitor.words) == due).all()
        # A reset in the middle of a frame; then as if new.
        sent, _ = traffic.frames(3)
        await bench.stream(Driver(sent, 0.2), Monitor(3 * nf, 0.5), cycles=interval + latency // 2)
        await bench.reset()
        sent, due = traffic.frames(2)
        driver, monitor = Driver(sent), Monitor(2 * nf)
        await bench.stream(driver, monitor)
        assert (traffic.read(monitor.words) == due).all()
        assert monitor.offered[nf - 1] - driver.accepted[0] == latency

    simulate(unit, scenario, seed=3)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("simd", [2, 12])
@pytest.mark.parametrize("memory", ["lut", "block"])
def test_a_word_waits_for_its_first_weights(name: str, simd: int, memory: str) -> None:
    """A vector that is offered in the very first cycle of all meets its own weights."""
    unit = Case(4, 12, 2, simd, memory, name).unit()
    traffic = Traffic(unit, seed=2)

    async def scenario(bench: Run) -> None:
        sent, due = traffic.frames(1)
        driver, monitor = Driver(sent), Monitor(2)
        await bench.stream(driver, monitor)
        assert driver.accepted[0] == 0
        assert (traffic.read(monitor.words) == due).all()

    simulate(unit, scenario)


@pytest.mark.parametrize("memory", ["lut", "block"])
@pytest.mark.parametrize("planes", [(1,), (1, 2)])
def test_storage(memory: str, planes: tuple[int, ...]) -> None:
    """Weight bits, threshold bits and buffer bits as the formulas say, where PE and SIMD divide."""
    unit = Case(8, 24, 2, 4, memory, "generic", "bipolar", "uint2", planes).unit()
    layer = unit.model.matrix
    sizes = {name: depth * width for name, (depth, width) in memories(unit).items()}
    weights = sum(bits for name, bits in sizes.items() if "weights" in name)
    thresholds = sum(bits for name, bits in sizes.items() if "thresholds" in name)
    assert weights == 8 * 24 * len(planes)
    high = layer.accumulator_range[1]
    assert thresholds == 8 * 3 * (high + 1).bit_length()
    assert sizes["top.replay.buffer"] == 2 * (24 // 4) * 4
    assert weights + thresholds + sizes["top.replay.buffer"] == sum(sizes.values())


def test_storage_of_buffer_and_queue() -> None:
    """Two vectors, or two words where nothing is replayed; ceil((L + 1) / SF) output words."""
    replayed, once = Case(8, 24, 2, 4, "lut", "ice40").unit(), Case(2, 24, 2, 4, "lut", "ice40").unit()
    assert replayed.model.timing.buffer_words == 12
    assert once.model.timing.buffer_words == 2
    # 2 cycles to read, the popcount, 1 to accumulate, 1 to compare, 1 in the queue.
    depth = 2 + plan(4, technology("ice40")).latency + 1 + 1 + 1
    assert replayed.model.timing.depth == depth
    assert replayed.model.timing.credits == ceil((depth + 1) / 6)


@pytest.mark.parametrize(
    "neurons, pe, tech, groups",
    [
        (34, 17, "ecp5", 3),
        (16, 8, "ecp5", 1),
        (34, 17, "generic", 2),
        (34, 17, "ice40", 1),
        # Constants; words of so many folds that few columns are equal.
        (17, 17, "ecp5", 1),
        (17 * 8, 17, "ecp5", 1),
    ],
)
def test_few_words_of_thresholds_are_read_by_group(neurons: int, pe: int, tech: str, groups: int) -> None:
    """By an address register for every so many processing elements, so that no column's register feeds all of them."""
    layer = random_layer(np.random.default_rng(0), neurons, 10)
    unit = Mvu(MvuUnit(layer, LayerFolding(pe, 5, "block"), technology(tech)))
    assert unit.model.threshold_groups == groups
    found = re.findall(r"(?m)^  cell \S+ \\thresholds_address_\d+$", rtlil(unit, "top", tech))
    assert len(found) == (groups if groups > 1 else 0)


def test_needs_a_streamlined_layer() -> None:
    ones, zeros = np.ones(2), np.zeros(2)
    plain = random_layer(np.random.default_rng(0), 2, 4, name="fc1")
    layer = Dense("fc1", plain.input, plain.weights, batch_norm_sign(BatchNorm(ones, zeros, zeros, ones, 0.0)))
    with pytest.raises(ValueError, match=r"^layer fc1 must be streamlined$"):
        Mvu(MvuUnit(layer, LayerFolding(1, 1), technology("generic")))
