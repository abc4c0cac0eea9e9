# amaranth: UnusedElaboratable=no
"""Matrix-vector units of which vectors share a weight word, against products of signs and their own formulas."""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import ceil

import numpy as np
import pytest

from bnnhw.dataflow import StreamFormat
from bnnhw.devices import technology
from bnnhw.folding import LayerFolding
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.rtl import Mvu
from rtl_tests.flow import check_cycles, check_flow, random_readiness
from rtl_tests.mvu.traffic import Traffic
from rtl_tests.storage import memories
from rtl_tests.streams import Driver, Monitor, Run, differences, simulate
from tests.layers import random_layer


@dataclass(frozen=True)
class Case:
    """N neurons, K synapses, PE, SIMD, M, and what flows."""

    neurons: int
    synapses: int
    pe: int
    simd: int
    vectors: int
    memory: str
    technology: str
    input: str = "bipolar"
    output: str | None = "bipolar"
    order: str = "parallel"

    def __str__(self) -> str:
        return "-".join(map(str, vars(self).values()))

    @property
    def model(self) -> MvuUnit:
        layer = random_layer(
            np.random.default_rng(self.neurons * 100 + self.synapses),
            self.neurons,
            self.synapses,
            self.input,
            self.output,
        )
        folding = LayerFolding(self.pe, self.simd, self.memory, planes=self.order, vectors=self.vectors)
        return MvuUnit(layer, folding, technology(self.technology))

    def unit(self) -> Mvu:
        return self.model.component()


CASES = [
    Case(8, 16, 2, 4, 2, "block", "ice40"),
    Case(8, 16, 2, 4, 4, "lut", "generic"),
    # No power of two, neither fold without padding.
    Case(7, 13, 2, 4, 3, "lut", "ecp5", "uint2", "uint2"),
    # The least folds there may be: a word comes and a word leaves in every cycle.
    Case(6, 8, 3, 4, 2, "lut", "ice40"),
    Case(3, 6, 1, 2, 3, "block", "ecp5", "int2", "uint2"),
    # Planes one after another; all neurons and all synapses at once.
    Case(4, 7, 4, 7, 2, "lut", "ice40", "uint2", "bipolar", "serial"),
    # A popcount deeper than the synapse fold is long; more processing elements than one register feeds.
    Case(4, 70, 2, 35, 2, "block", "ecp5"),
    Case(20, 10, 10, 5, 2, "lut", "ecp5"),
]


SLOW = [
    Case(9, 10, 2, 2, 5, "block", "generic", "bipolar", None),
    Case(4, 7, 2, 4, 2, "block", "ecp5", "uint3", "bipolar", "serial"),
]


@pytest.mark.parametrize("case", [*CASES, *(pytest.param(case, marks=pytest.mark.slow) for case in SLOW)], ids=str)
def test_vectors(case: Case) -> None:
    unit, most = case.unit(), case.vectors
    sf, nf = ceil(case.synapses / case.simd), ceil(case.neurons / case.pe)
    t = unit.model.timing
    cycles = sf * nf * (unit.model.matrix.input.bits if case.order == "serial" else 1)
    assert (t.latency, t.interval) == (sf - 1 + cycles + t.depth, ceil(cycles / most))
    traffic = Traffic(unit, seed=1)

    async def scenario(bench: Run) -> None:
        # Full speed: the first vector alone; from then on M per round, without a bubble between rounds.
        rounds = 5
        sent, due = traffic.frames(1 + rounds * most)
        driver, monitor = Driver(sent), Monitor(len(due) * nf)
        await bench.stream(driver, monitor)
        assert (traffic.read(monitor.words) == due).all()
        firsts = monitor.offered[nf - 1 :: nf]
        assert firsts[0] - driver.accepted[0] == t.latency
        assert set(differences(firsts[1::most])) == {cycles}
        # Gaps, stalls, and both.
        for gap, stall in ((0.6, 0), (0, 0.6), (0.4, 0.4)):
            sent, due = traffic.frames(4 * most)
            driver, monitor = Driver(sent, gap), Monitor(len(due) * nf, stall)
            await bench.stream(driver, monitor)
            assert (traffic.read(monitor.words) == due).all()
        # A vector that comes alone, after a while, does not wait for others.
        sent, due = traffic.frames(1)
        driver, monitor = Driver(sent), Monitor(nf)
        await bench.stream(driver, monitor)
        assert (traffic.read(monitor.words) == due).all()
        assert monitor.offered[-1] - driver.accepted[0] == t.latency
        # A long stall, in which all queues and buffers fill; then it gives everything.
        frames = 5 * most + ceil(most * t.credits / nf)
        sent, due = traffic.frames(frames)
        deaf = 2 * frames * cycles
        driver, monitor = Driver(sent), Monitor(frames * nf, deaf=deaf)
        await bench.stream(driver, monitor)
        stored = sum(cycle < deaf for cycle in driver.accepted)
        assert t.buffer_words <= stored < len(sent)
        assert (traffic.read(monitor.words) == due).all()
        # A reset in the middle of a frame; then as if new.
        sent, _ = traffic.frames(3 * most)
        await bench.stream(Driver(sent, 0.2), Monitor(3 * nf * most, 0.5), cycles=cycles + t.latency // 2)
        await bench.reset()
        sent, due = traffic.frames(2)
        driver, monitor = Driver(sent), Monitor(2 * nf)
        await bench.stream(driver, monitor)
        assert (traffic.read(monitor.words) == due).all()
        assert monitor.offered[nf - 1] - driver.accepted[0] == t.latency

    simulate(unit, scenario, seed=3)


@pytest.mark.parametrize(
    "case",
    [
        Case(7, 13, 2, 4, 3, "block", "ecp5", "bipolar", "uint2"),
        Case(6, 8, 3, 4, 2, "block", "ice40"),
        Case(4, 7, 2, 4, 3, "lut", "generic", "uint2", "bipolar", "serial"),
    ],
    ids=str,
)
def test_flow(case: Case) -> None:
    """The cycles of every word in all traffic, so which vectors every round takes."""
    unit = case.unit()
    check_flow(
        unit, unit.model.timing.flow, ceil(case.synapses / case.simd), ceil(case.neurons / case.pe),
        frames=3 * case.vectors + 1, seed=case.neurons,
    )  # fmt: skip


@pytest.mark.parametrize("stall", [0.5, 0.8])
@pytest.mark.parametrize(
    "case",
    [Case(3, 6, 1, 2, 3, "block", "ecp5"), Case(6, 8, 3, 4, 2, "block", "ice40"), Case(8, 8, 2, 2, 4, "lut", "ecp5")],
    ids=str,
)
def test_cycles_behind_full_queues(case: Case, stall: float) -> None:
    """Vectors that come without a gap, and a sink so slow that each place that is given back counts."""
    unit = case.unit()
    frames, rng = 12 * case.vectors, random.Random(case.neurons)
    words_in, words_out = frames * ceil(case.synapses / case.simd), frames * ceil(case.neurons / case.pe)
    driver = Driver([rng.getrandbits(len(unit.input.payload)) for _ in range(words_in)], arrivals=[0] * words_in)
    readiness = random_readiness(rng, stall, deaf=20 * words_out, cycles=40 * words_out)
    monitor = Monitor(words_out, readiness=readiness)
    check_cycles(unit, {"input": driver}, {"output": monitor}, unit.model.timing.flow, frames)


def test_streams_and_interval() -> None:
    """Those of the unit of one vector at a time; a frame of 7 positions takes 3 and a half passes, rounded up."""
    case = Case(10, 12, 3, 5, 2, "block", "generic", "uint2", "uint3")
    model = case.model
    seven = MvuUnit(model.matrix, model.folding, model.technology, vectors=7)
    assert seven.inputs == (StreamFormat(5, 2, 12, 84),)
    assert seven.outputs == (StreamFormat(3, 3, 10, 70),)
    assert (seven.repeats, seven.interval) == (7, ceil(7 * 4 * 3 / 2))


def test_storage() -> None:
    """Weights and thresholds once for all vectors; two vectors in each bank, and a queue for each lane."""
    unit = Case(8, 24, 2, 4, 2, "block", "generic").unit()
    places = unit.model.timing.credits
    assert {name.removeprefix("top."): size for name, size in memories(unit).items()} == {
        **{f"replay.bank_{n}": (2 * 6, 4) for n in range(2)},
        **{f"queue.words_{n}": (places, 2) for n in range(2)},
        **{f"thresholds_{n}.bank_0": (4, 5) for n in range(2)},
        "weights.bank_0": (24, 8),
    }


def test_a_queue_holds_what_never_slows_the_unit_down() -> None:
    """A vector's results, and those of the next round before the last lane's turn, its pipeline included."""
    t = Case(8, 24, 2, 4, 3, "block", "generic").model.timing
    assert t.buffer_words == 2 * 3 * 6
    assert t.credits == 4 + ceil((t.depth + 4) / 6) + 1
