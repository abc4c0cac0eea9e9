# amaranth: UnusedElaboratable=no
"""Whole networks: classes and scores of the reference, cycles of the prediction, over many foldings."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.folding.predict import predict
from bnnhw.ir import Dense, InputSpec, Network, Output
from bnnhw.ir.types import DataType
from bnnhw.reference import evaluate
from bnnhw.rtl.accelerator import Accelerator
from rtl_tests.lanes import join_words
from rtl_tests.streams import Driver, Monitor, Run, differences, simulate
from tests.layers import random_layer


@dataclass(frozen=True)
class Case:
    """Sizes from the input to the classes; PE, SIMD and memory of each layer; what flows."""

    sizes: tuple[int, ...]
    foldings: tuple[tuple[int, int, str] | tuple[int, int, str, str], ...]
    technology: str = "generic"
    input: str = "bipolar"
    hidden: str = "bipolar"
    affine: bool = False
    coefficients: tuple[int, ...] = (1,)

    def __str__(self) -> str:
        sizes = "-".join(map(str, self.sizes))
        foldings = "-".join(f"{pe}x{simd}{''.join(how[0] for how in rest)}" for pe, simd, *rest in self.foldings)
        return f"{sizes}_{foldings}_{self.technology}_{self.input}_{self.hidden}{'_affine' if self.affine else ''}"

    def folded(self) -> FoldedNetwork:
        rng = np.random.default_rng(sum(self.sizes))
        layers: list[Dense] = []
        dtype = self.input
        last = len(self.sizes) - 2
        for i, (synapses, neurons) in enumerate(zip(self.sizes, self.sizes[1:], strict=False)):
            output = None if i == last else self.hidden
            layers.append(random_layer(rng, neurons, synapses, dtype, output, self.coefficients, name=f"fc{i}"))
            dtype = self.hidden
        classes = self.sizes[-1]
        output = Output.plain("out", classes)
        if self.affine:
            output = Output("out", rng.integers(-3, 9, classes), rng.integers(-50, 50, classes))
        spec = InputSpec((self.sizes[0],), DataType.parse(self.input))
        return FoldedNetwork(
            Network(spec, (*layers, output)),
            tuple(
                LayerFolding(pe, simd, memory, planes=planes[0] if planes else "parallel")
                for pe, simd, memory, *planes in self.foldings
            ),
        )


L, B, S = "lut", "block", "serial"
CASES = [
    # One layer; one lane and one neuron, everything at once, in between.
    Case((6, 4), ((1, 1, L),)),
    Case((6, 4), ((4, 6, B),), "ecp5"),
    Case((9, 5), ((2, 4, L),), "ice40", "uint3", affine=True),
    # Two layers: no converter, wider, narrower, neither divides the other.
    Case((12, 8, 4), ((4, 6, L), (2, 4, L)), "ice40"),
    Case((12, 8, 4), ((4, 6, B), (2, 4, B)), "ecp5"),
    Case((12, 8, 4), ((2, 6, B), (2, 8, L)), "ice40"),
    Case((12, 8, 4), ((8, 6, L), (4, 2, B)), "generic"),
    Case((12, 9, 4), ((3, 4, L), (2, 2, B)), "ecp5"),
    Case((12, 10, 4), ((4, 4, B), (2, 3, B)), "ice40", affine=True),
    Case((10, 7, 3), ((7, 10, L), (3, 7, L)), "ice40"),
    Case((10, 7, 3), ((7, 10, B), (3, 7, B)), "generic", affine=True),
    Case((10, 7, 3), ((1, 10, B), (3, 1, B)), "ecp5"),
    Case((10, 7, 3), ((7, 1, L), (1, 7, L)), "ecp5"),
    # The slowest unit is the first, the last, the converter, the output.
    Case((16, 4, 2), ((1, 2, B), (2, 4, L)), "ice40"),
    Case((4, 8, 8), ((8, 4, B), (1, 2, L)), "ecp5"),
    Case((3, 20, 2), ((20, 3, L), (2, 3, L)), "ice40"),
    Case((4, 6, 9), ((6, 4, L), (1, 6, B)), "generic", affine=True),
    # Elements of more bits between layers, padding everywhere.
    Case((8, 6, 4), ((4, 3, B), (3, 4, L)), "ice40", "uint2", "uint2"),
    Case((8, 7, 5), ((3, 5, L), (4, 2, B)), "ecp5", "int2", "int2", affine=True),
    Case((11, 5, 3), ((2, 4, B), (2, 3, B)), "generic", "uint4", "bipolar"),
    Case((6, 5, 3), ((2, 4, L), (2, 3, B)), "ice40", "bipolar", "uint2", coefficients=(1, -2)),
    # Three and four layers; layers of one neuron, one class.
    Case((12, 8, 6, 4), ((4, 6, L), (3, 4, B), (2, 3, L)), "ice40"),
    Case((13, 11, 7, 5), ((4, 3, B), (2, 5, L), (3, 2, B)), "ecp5", affine=True),
    Case((9, 9, 9, 9, 3), ((3, 3, L), (9, 9, L), (1, 9, L), (3, 2, L)), "generic"),
    Case((5, 1, 3), ((1, 2, L), (1, 1, B)), "ice40"),
    Case((5, 4, 1), ((2, 5, B), (1, 3, L)), "ecp5"),
    # Planes one after another: in the first layer, in the middle, in all.
    Case((9, 5), ((2, 4, L, S),), "ice40", "uint3", affine=True),
    Case((11, 5, 3), ((5, 11, B, S), (2, 3, B)), "ecp5", "uint8", "bipolar"),
    Case((8, 6, 4), ((4, 3, B), (3, 4, L, S)), "generic", "uint2", "uint2"),
    Case((8, 7, 5), ((3, 5, L, S), (4, 2, B, S)), "ecp5", "int2", "int2", affine=True),
    Case((6, 5, 3), ((2, 4, L, S), (2, 3, B, S)), "ice40", "bipolar", "uint2", coefficients=(1, -2)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_accelerator(case: Case) -> None:
    folded = case.folded()
    unit = Accelerator(folded.graph(technology(case.technology)))
    network = folded.network
    dtype, simd = network.input.dtype, case.foldings[0][1]
    rng, noise = np.random.default_rng(5), random.Random(5)
    assert unit.input_width == simd * dtype.bits
    assert unit.graph.input.words == -(-case.sizes[0] // simd)
    assert unit.frame_bits == case.sizes[0] * dtype.bits

    def traffic(frames: int) -> tuple[list[int], list[tuple[int, int]]]:
        codes = rng.integers(0, dtype.levels, (frames, case.sizes[0])).astype(np.uint8)
        result = evaluate(network, codes)
        words = [word for frame in codes for word in join_words(frame.tolist(), dtype.bits, simd, noise)]
        assert len(words) == frames * unit.graph.input.words
        return words, list(zip(result.classes.tolist(), result.best.tolist(), strict=True))

    def read(words: list[int]) -> list[tuple[int, int]]:
        pairs = []
        for word in words:
            index, score = word & ((1 << unit.graph.result.index_bits) - 1), word >> unit.graph.result.index_bits
            assert score < 1 << unit.graph.result.score_bits
            if unit.graph.result.score_signed and score >> (unit.graph.result.score_bits - 1):
                score -= 1 << unit.graph.result.score_bits
            pairs.append((index, score))
        return pairs

    prediction = predict(folded.graph(technology(case.technology)))

    async def scenario(bench: Run) -> None:
        # Full speed: the latency of the first frame, then the interval once the units' buffers have filled.
        settling, measured = 2 * len(case.foldings) + 2, 3
        sent, due = traffic(settling + measured)
        driver, monitor = Driver(sent), Monitor(len(due))
        await bench.stream(driver, monitor)
        assert read(monitor.words) == due
        assert monitor.offered[0] - driver.accepted[0] == prediction.latency_cycles
        assert set(differences(monitor.offered[settling - 1 :])) == {prediction.cycles_per_frame}
        assert max(differences(monitor.offered)) <= prediction.cycles_per_frame
        # Gaps and stalls.
        sent, due = traffic(3)
        driver, monitor = Driver(sent, 0.3), Monitor(len(due), 0.6)
        await bench.stream(driver, monitor)
        assert read(monitor.words) == due
        # A long stall, then drained; the accelerator fills up meanwhile.
        sent, due = traffic(3)
        driver, monitor = Driver(sent), Monitor(len(due), deaf=2 * prediction.latency_cycles)
        await bench.stream(driver, monitor)
        assert read(monitor.words) == due
        # A reset in the middle of a frame, then as if new.
        await bench.stream(Driver(sent), Monitor(len(due)), cycles=prediction.latency_cycles * 2 // 3)
        await bench.reset()
        driver, monitor = Driver(sent), Monitor(len(due))
        await bench.stream(driver, monitor)
        assert read(monitor.words) == due
        assert monitor.offered[0] - driver.accepted[0] == prediction.latency_cycles

    simulate(unit, scenario, seed=1)


def test_nothing_passes_in_the_first_cycle_after_a_reset() -> None:
    """Units are reset a cycle late in Verilog, so the accelerator waits for them everywhere."""
    unit = Accelerator(CASES[0].folded().graph(technology("generic")))

    async def scenario(bench: Run) -> None:
        for _ in range(2):
            driver, monitor = Driver([0] * unit.graph.input.words), Monitor(1)
            await bench.stream(driver, monitor)
            assert driver.accepted[0] == 1
            await bench.reset()

    simulate(unit, scenario, seed=1)


@pytest.mark.parametrize(
    "classes, multiplier, offset, index, score",
    [
        (1, 1, 0, 1, (3, False)),
        (2, 1, 0, 1, (3, False)),
        (3, 1, 0, 2, (3, False)),
        (9, 1, 1, 4, (4, False)),
        (2, 3, -1, 1, (6, True)),
        (2, -1, 0, 1, (4, True)),
    ],
)
def test_output_widths(classes: int, multiplier: int, offset: int, index: int, score: tuple[int, bool]) -> None:
    """The index holds classes - 1; the score multiplier * 0..7 + offset, no wider."""
    layer = random_layer(np.random.default_rng(0), classes, 7, output=None)
    output = Output("out", np.full(classes, multiplier), np.full(classes, offset))
    network = Network(InputSpec((7,), DataType("bipolar", 1)), (layer, output))
    unit = Accelerator(FoldedNetwork(network, (LayerFolding(1, 1),)).graph(technology("generic")))
    assert (unit.graph.result.index_bits, (unit.graph.result.score_bits, unit.graph.result.score_signed)) == (
        index,
        score,
    )
