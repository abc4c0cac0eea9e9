# amaranth: UnusedElaboratable=no
"""Networks over feature maps: classes and scores of the reference, cycles of the prediction, under stalls too."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from bnnhw.dataflow.throughput import SETTLED, settle
from bnnhw.devices import FAMILIES, technology
from bnnhw.folding import FoldedNetwork
from bnnhw.folding.predict import predict
from bnnhw.reference import evaluate
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.units.window.model import WindowUnit
from rtl_tests.flow import compare, random_arrivals, random_readiness, streams_of
from rtl_tests.lanes import join_words
from rtl_tests.streams import Driver, Monitor, Run, differences, simulate
from tests.dead import tables_network, with_dead
from tests.layers import Branch, MapNetwork, random_network, with_columns, with_engines, with_vectors


def _shortcut(branch: Branch) -> Branch:
    """To 4 channels of half the size."""
    return branch.pool((2, 2), (2, 2), kind="sum").quantize("uint2").conv(4, (1, 1), (2, 3), output=None)


CASES: dict[str, Callable[[], Branch]] = {
    # Two dimensions: no converter at all; words narrower and wider than a position; lanes that divide nothing.
    "conv": lambda: MapNetwork((2, 5, 5), "uint2").conv(4, (3, 3), (2, 2)).dense(3, (1, 4), None),
    "wide": lambda: MapNetwork((2, 5, 4)).conv(4, (3, 3), (4, 18)).conv(3, (2, 2), (3, 8)).dense(2, (2, 6), None),
    "odd": lambda: MapNetwork((3, 4, 5), "int2").conv(5, (2, 3), (3, 4)).conv(4, (2, 1), (3, 3)).dense(3, (2, 5), None),
    "block": lambda: MapNetwork((4, 4, 4)).conv(6, (3, 3), (3, 4), memory="block").dense(3, (1, 6), None, "block"),
    # Neurons that PE does not divide, flattened: the gaps are closed on the way.
    "gaps": lambda: MapNetwork((2, 4, 4)).conv(5, (2, 2), (2, 2)).dense(4, (2, 3), None),
    "gaps-divisor": lambda: MapNetwork((2, 4, 4)).conv(6, (2, 2), (4, 2)).dense(4, (2, 2), None),
    # Two convolutions in a row of which neither has time to catch up: a line buffer with a row to spare between.
    "balanced": lambda: (
        MapNetwork((2, 5, 6))
        .conv(4, (2, 2), (2, 2), padding=(1, 0, 1, 1))
        .conv(3, (2, 2), (1, 4))
        .dense(2, (2, 8), None)
    ),
    # Padding, stride, dilation.
    "padding": lambda: (
        MapNetwork((2, 4, 4))
        .conv(4, (3, 3), (2, 2), padding=(1, 1, 1, 1), code=1)
        .conv(2, (3, 3), (1, 4), padding=(1, 0, 1, 0), stride=(2, 2))
        .dense(2, (1, 2), None)
    ),
    "dilation": lambda: MapNetwork((2, 6, 6)).conv(4, (2, 2), (2, 1), dilation=(3, 2)).dense(3, (3, 4), None),
    # One dimension.
    "signal": lambda: (
        MapNetwork((1, 1, 24), "uint4")
        .conv(6, (1, 5), (3, 5), stride=(1, 2))
        .pool((1, 2), (1, 2))
        .conv(4, (1, 3), (2, 6))
        .dense(3, (1, 4), None)
    ),
    "dilated-signal": lambda: (
        MapNetwork((3, 1, 20), "uint2")
        .conv(4, (1, 3), (2, 3), padding=(0, 2, 0, 2), dilation=(1, 2))
        .conv(4, (1, 3), (4, 2), dilation=(1, 4))
        .dense(2, (2, 4), None)
    ),
    # Pools: least and greatest, of numbers too; overlapping; sums; over everything.
    "pools": lambda: (
        MapNetwork((2, 8, 8))
        .conv(4, (3, 3), (2, 2), output="uint2")
        .pool((3, 3), (1, 1), kind="mixed")
        .pool((2, 2), (2, 2))
        .dense(3, (1, 4), None)
    ),
    "padded-pool": lambda: (
        MapNetwork((3, 5, 5), "int3").pool((3, 3), (2, 2), padding=(1, 1, 1, 1), kind="mixed").dense(3, (1, 4), None)
    ),
    "global": lambda: (
        MapNetwork((2, 4, 4)).conv(5, (2, 2), (2, 2)).pool((3, 3), (1, 1), kind="sum").dense(3, (1, 2), None)
    ),
    # Depthwise and pointwise.
    "depthwise": lambda: (
        MapNetwork((5, 5, 4), "uint2")
        .conv(5, (3, 3), (2, 1), depthwise=True, padding=(1, 1, 1, 1), code=2)
        .conv(4, (1, 1), (2, 5))
        .dense(3, (1, 3), None)
    ),
    "separable": lambda: (
        MapNetwork((4, 4, 4))
        .conv(4, (1, 1), (4, 2))
        .conv(4, (2, 2), (4, 1), depthwise=True, output="uint2", memory="block")
        .conv(3, (1, 1), (3, 4))
        .dense(3, (1, 9), None)
    ),
    # Several neurons per channel: words of whole channels and of parts, neither of which may divide what is there;
    # comparators for each channel of the input, as a thermometer has.
    "multiplier": lambda: (
        MapNetwork((3, 5, 4), "uint2")
        .conv(6, (3, 3), (4, 1), depthwise=True, padding=(1, 1, 1, 1), code=2)
        .conv(4, (1, 1), (2, 6))
        .dense(3, (1, 3), None)
    ),
    "multiplier-replayed": lambda: (
        MapNetwork((2, 4, 4))
        .conv(3, (2, 2), (2, 2))
        .conv(12, (2, 2), (2, 1), depthwise=True, output="uint2", memory="block")
        .conv(3, (1, 1), (3, 4))
        .dense(3, (1, 9), None)
    ),
    "thermometer": lambda: (
        MapNetwork((3, 4, 4), "uint8")
        .conv(15, (1, 1), (10, 1), depthwise=True)
        .conv(4, (3, 3), (2, 5))
        .dense(3, (1, 4), None)
    ),
    "thermometer-replayed": lambda: (
        MapNetwork((3, 1, 8), "int4")
        .conv(12, (1, 1), (2, 1), depthwise=True)
        .conv(4, (1, 3), (2, 6))
        .dense(3, (1, 4), None)
    ),
    # Element by element, after integers.
    "elementwise": lambda: (
        MapNetwork((2, 4, 4), "uint3")
        .conv(4, (2, 2), (2, 2), output=None)
        .affine()
        .quantize("uint2")
        .dense(5, (2, 3), None)
        .affine()
        .quantize()
        .dense(3, (3, 5), None)
    ),
    "elementwise-first": lambda: MapNetwork((3, 4, 4), "uint4").affine().quantize("int2").dense(3, (1, 4), None),
    # Truth tables: a word per position, behind a window unit or whatever gives positions; tables of all elements.
    "tables": lambda: (
        MapNetwork((2, 5, 6))
        .lookup(5, 4, (3, 3), padding=(1, 1, 1, 1), code=1)
        .lookup(4, 3, (2, 2), stride=(2, 2), output="uint2")
        .dense(3, (1, 4), None)
    ),
    "tables-pointwise": lambda: (
        MapNetwork((3, 4, 4), "uint2")
        .conv(4, (2, 2), (2, 3), output="int2")
        .lookup(5, 2, (1, 1), output="uint2")
        .pool((2, 2), (1, 1), kind="mixed")
        .lookup(6, 3)
        .dense(3, (1, 2), None)
    ),
    "tables-signal": lambda: (
        MapNetwork((1, 1, 20), "uint3")
        .lookup(6, 2, (1, 5), stride=(1, 2))
        .lookup(4, 4, (1, 3), dilation=(1, 2))
        .conv(3, (1, 2), (2, 4))
        .dense(2, (1, 3), None)
    ),
    "tables-residual": lambda: (
        MapNetwork((3, 4, 4), "int3")
        .residual(lambda b: b.lookup(3, 2, (3, 3), padding=(1, 1, 1, 1), output="int3"))
        .quantize()
        .dense(3, (1, 4), None)
    ),
    # Residual: an identity beside a convolution; a shortcut with layers; one inside another; around the first layer.
    "residual": lambda: (
        MapNetwork((2, 5, 5), "uint4")
        .conv(4, (3, 3), (2, 2), output=None, padding=(1, 1, 1, 1))
        .residual(lambda b: b.quantize().conv(4, (3, 3), (2, 4), output=None, padding=(1, 1, 1, 1)))
        .quantize()
        .dense(3, (1, 4), None)
    ),
    "downsampling": lambda: (
        MapNetwork((3, 6, 6), "uint2")
        .residual(lambda b: b.conv(4, (2, 2), (2, 3), stride=(2, 2), output=None), _shortcut)
        .quantize()
        .dense(3, (1, 4), None)
    ),
    "nested": lambda: (
        MapNetwork((4, 4, 4), "int2")
        .residual(
            lambda b: (
                b.residual(lambda c: c.quantize("uint2").conv(4, (3, 1), (3, 2), padding=(1, 0, 1, 0), output=None))
                .quantize()
                .conv(4, (1, 3), (1, 4), padding=(0, 1, 0, 1), output=None)
            )
        )
        .affine()
        .quantize()
        .dense(3, (1, 4), None)
    ),
    "slow-shortcut": lambda: (
        MapNetwork((2, 6, 6), "uint2")
        .residual(
            lambda b: b.affine(),
            lambda b: b.quantize().conv(2, (5, 5), (1, 2), padding=(2, 2, 2, 2), output=None),
        )
        .quantize()
        .dense(2, (1, 4), None)
    ),
    # Other ends than accumulators of a matrix: sums, of branches and of positions, levels, bits, a whole map's window.
    "end-sum": lambda: (
        MapNetwork((3, 4, 4), "uint2").conv(5, (2, 2), (2, 3), output=None).pool((3, 3), (1, 1), kind="sum")
    ),
    "end-maximum": lambda: MapNetwork((3, 4, 4)).conv(3, (2, 2), (2, 3)).pool((3, 3), (1, 1), kind="mixed"),
    "end-residual": lambda: MapNetwork((6, 1, 1), "int3").residual(
        lambda b: b.dense(4, (2, 3)).dense(5, (3, 2), None), lambda b: b.dense(5, (1, 6), None)
    ),
    "end-levels": lambda: MapNetwork((8, 1, 1)).dense(6, (3, 4)).dense(5, (2, 3), "int2"),
    "end-bits": lambda: MapNetwork((8, 1, 1)).dense(6, (3, 4)).dense(5, (2, 3)),
    "end-quantize": lambda: MapNetwork((8, 1, 1)).dense(5, (3, 4), None).affine().quantize("uint2"),
    "end-affine": lambda: MapNetwork((8, 1, 1)).dense(5, (3, 4), None).affine(),
    "end-conv": lambda: MapNetwork((2, 3, 3), "uint2").conv(4, (3, 3), (3, 2), output=None),
    "end-depthwise": lambda: MapNetwork((3, 2, 2), "uint2").conv(3, (2, 2), (3, 1), output=None, depthwise=True),
    "decision": lambda: MapNetwork((8, 1, 1)).dense(6, (3, 4)).dense(1, (1, 3), "int3"),
    "decision-residual": lambda: MapNetwork((6, 1, 1), "int2").residual(
        lambda b: b.dense(4, (2, 3)).dense(1, (1, 2), None).affine(), lambda b: b.dense(1, (1, 3), None).affine()
    ),
}


def check(folded: FoldedNetwork, name: str) -> None:
    network = folded.network
    unit = Accelerator(folded.graph(technology(name)))
    # Frames until the model, which says so from reset on, has seen three equal distances.
    settling = settle(unit.graph).frames
    dtype, elements = network.input.dtype, network.input.elements
    lanes = unit.input_width // dtype.bits
    rng, noise = np.random.default_rng(5), random.Random(5)
    assert unit.graph.input.words == -(-elements // lanes)
    assert unit.frame_bits == elements * dtype.bits
    prediction = predict(folded.graph(technology(name)))

    def traffic(frames: int) -> tuple[list[int], list[tuple[int, int]]]:
        codes = rng.integers(0, dtype.levels, (frames, elements)).astype(np.uint8)
        result = evaluate(network, codes)
        words = [word for frame in codes for word in join_words(frame.tolist(), dtype.bits, lanes, noise)]
        return words, list(zip(result.classes.tolist(), result.best.tolist(), strict=True))

    def read(words: list[int]) -> list[tuple[int, int]]:
        pairs = []
        for word in words:
            index, score = word & ((1 << unit.graph.result.index_bits) - 1), word >> unit.graph.result.index_bits
            if unit.graph.result.score_signed and score >> (unit.graph.result.score_bits - 1):
                score -= 1 << unit.graph.result.score_bits
            pairs.append((index, score))
        return pairs

    async def scenario(bench: Run) -> None:
        sent, due = traffic(settling + 2)
        driver, monitor = Driver(sent), Monitor(len(due))
        await bench.stream(driver, monitor)
        assert read(monitor.words) == due
        assert monitor.offered[0] - driver.accepted[0] == prediction.latency_cycles
        assert set(differences(monitor.offered[settling - SETTLED - 1 :])) == {prediction.cycles_per_frame}
        # Gaps and stalls, then a long stall while everything fills up.
        sent, due = traffic(2)
        driver, monitor = Driver(sent, 0.3), Monitor(len(due), 0.6)
        await bench.stream(driver, monitor)
        assert read(monitor.words) == due
        sent, due = traffic(4)
        driver, monitor = Driver(sent), Monitor(len(due), deaf=2 * prediction.latency_cycles)
        await bench.stream(driver, monitor)
        assert read(monitor.words) == due

    simulate(unit, scenario, seed=1, cycles=100_000)


def test_balanced_has_a_row_to_spare() -> None:
    network = CASES["balanced"]()
    assert isinstance(network, MapNetwork)
    folded = network.folded()
    windows = [s.unit for s in folded.graph(technology("ecp5")).nodes if isinstance(s.unit, WindowUnit)]
    first, second = (unit.timing for unit in windows)
    assert (first.spare, second.spare) == (0, second.window.width)
    assert predict(folded.graph(technology("ecp5"))).cycles_per_frame == max(
        node.unit.interval for node in folded.graph(technology("ecp5")).nodes if node.unit.kind == "mvu"
    )


@pytest.mark.parametrize("name", CASES)
def test_maps(name: str) -> None:
    network = CASES[name]()
    assert isinstance(network, MapNetwork)
    check(network.folded(), list(FAMILIES)[list(CASES).index(name) % 3])


@pytest.mark.parametrize("seed", [*range(8), 21, 54])
def test_any_network_under_any_traffic(seed: int) -> None:
    """Random layers and foldings, gaps and stalls: results, and the cycles in which each word is taken and offered."""
    under_any_traffic(random_network(seed), seed)


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 200))])
def test_engines_mixed(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random layers, each of one engine or the other; of every other network, spatial units that run free.

    Of every other pair of networks some neurons are constant or read by nobody.
    """
    if seed % 2:
        monkeypatch.setattr("bnnhw.units.spatial.model.FREE", -1)
    folded = with_engines(random_network(seed), seed)
    assert any(folding.engine == "spatial" for folding in folded.foldings)
    under_any_traffic(with_dead(folded, seed) if seed % 4 < 2 else folded, seed)


@pytest.mark.parametrize(
    "seed", [0, 3, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(200) if seed not in (0, 3))]
)
def test_vectors_share_weight_words(seed: int) -> None:
    """Every cycle and every result of networks whose layers take several vectors at once, each another number.

    Of every fourth some layers are spatial, and some neurons are constant or read by nobody.
    """
    folded = with_vectors(random_network(seed), seed)
    under_any_traffic(with_dead(with_engines(folded, seed), seed) if seed % 4 == 3 else folded, seed)


@pytest.mark.parametrize(
    "seed", [18, 23, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(100) if seed not in (18, 23))]
)
def test_taps_in_columns(seed: int) -> None:
    """Convolutions whose taps come as columns of the kernel; of every other network vectors share weight words too."""
    folded = with_columns(random_network(seed))
    under_any_traffic(with_vectors(folded, seed) if seed % 2 else folded, seed)


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 100))])
def test_tables_and_unread_neurons(seed: int) -> None:
    """Truth tables, some constant or read by nobody, among matrices of either engine."""
    under_any_traffic(tables_network(seed), seed)


@pytest.mark.parametrize(
    "seed", [2, 6, 11, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(200) if seed not in (2, 6, 11))]
)
def test_tables_mixed(seed: int) -> None:
    """Random layers of weights in memory, of constants and of truth tables, at every position and of all elements."""
    folded = with_engines(random_network(seed, tables=True), seed, tables=True)
    under_any_traffic(folded, seed)


def test_a_spatial_network_takes_a_frame_per_cycle() -> None:
    network = MapNetwork((9, 1, 1), "uint2").dense(7, (1, 1)).dense(6, (1, 1), "uint2").dense(4, (1, 1), None)
    folded = with_engines(network.folded(), None)
    assert predict(folded.graph(technology("ice40"))).cycles_per_frame == 1
    check(folded, "ice40")


def under_any_traffic(folded: FoldedNetwork, seed: int) -> None:
    name = list(FAMILIES)[seed % 3]
    unit = Accelerator(folded.graph(technology(name)))
    units, dtype = unit.graph, folded.network.input.dtype
    rng, frames = random.Random(seed), 3
    codes = np.random.default_rng(seed).integers(0, dtype.levels, (frames, folded.network.input.elements))
    words = [w for frame in codes for w in join_words(frame.tolist(), dtype.bits, units.input.lanes, rng)]
    due = evaluate(folded.network, codes.astype(np.uint8)).classes.tolist()

    async def scenario(bench: Run) -> None:
        for gap, stall in ((0.0, 0.0), (0.0, 0.98), (0.6, 0.5)):
            # Words that no result waits for may be on their way still.
            await bench.reset()
            # From the second cycle after a reset on words are taken.
            arrivals = [1 + cycle for cycle in random_arrivals(rng, len(words), gap)]
            driver = Driver(words, arrivals=arrivals)
            monitor = Monitor(frames, readiness=random_readiness(rng, stall, cycles=5000))
            links = streams_of(units, driver, monitor, frames)
            await bench.stream(driver, monitor)
            assert [word & ((1 << unit.graph.result.index_bits) - 1) for word in monitor.words] == due
            compare({"input": links[0], "output": links[units.output]}, {"input": driver}, {"output": monitor})

    simulate(unit, scenario, seed=seed, cycles=60_000)
