# amaranth: UnusedElaboratable=no
"""Spatial units of many matrices against products in NumPy, and the cycle of every word against their flow model."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.ir import BitMatrix, DataType, Dense, Thresholds, WeightPlane
from bnnhw.units.spatial.model import SpatialUnit
from bnnhw.units.spatial.rtl import Spatial
from rtl_tests.flow import check_cycles, check_flow, random_arrivals, random_readiness
from rtl_tests.golden import accumulators, activations
from rtl_tests.lanes import join, split
from rtl_tests.storage import register_bits
from rtl_tests.streams import Driver, Monitor, differences
from tests.layers import class_sums, random_layer


@dataclass(frozen=True)
class Case:
    """N neurons, K synapses, and what flows."""

    neurons: int
    synapses: int
    technology: str
    input: str = "bipolar"
    output: str | None = "bipolar"
    coefficients: tuple[int, ...] = (1,)

    def __str__(self) -> str:
        planes = "".join(f"{c:+}" for c in self.coefficients)
        return f"{self.neurons}x{self.synapses}-{self.technology}-{self.input}-{self.output}-{planes}"

    def layer(self) -> Dense:
        rng = np.random.default_rng(self.neurons * 100 + self.synapses)
        return random_layer(rng, self.neurons, self.synapses, self.input, self.output, self.coefficients)


CASES = [
    *(Case(8, 16, name) for name in ("generic", "ice40", "ecp5")),
    Case(1, 1, "ice40"),
    Case(1, 1, "ecp5", output=None),
    Case(1, 2, "generic"),
    Case(3, 3, "ice40", output=None),
    Case(5, 4, "ecp5", output="uint2"),
    Case(40, 9, "ice40"),
    Case(12, 70, "ecp5"),
    Case(12, 70, "ice40", output="int3"),
    Case(6, 150, "ecp5"),
    # Several planes of inputs, of weights, of both; coefficients that are no power of two, negative ones, ternary.
    Case(6, 10, "ice40", "uint4"),
    Case(5, 9, "generic", "int2", "int2"),
    Case(5, 8, "ecp5", "int3", None),
    Case(6, 10, "ecp5", "bipolar", "uint2", (1, 2)),
    Case(6, 12, "ice40", "bipolar", "bipolar", (1, 1)),
    Case(6, 12, "ecp5", "uint2", None, (1, 1)),
    Case(4, 10, "ice40", "uint1", "int2", (1, -2)),
    Case(4, 10, "generic", "bipolar", "bipolar", (3,)),
    Case(3, 6, "ice40", "bipolar", None, (-1,)),
    Case(4, 6, "ecp5", "uint8", None),
]

TRAFFIC = [(0.0, 0.0, 0), (0.3, 0.0, 0), (0.0, 0.5, 0), (0.4, 0.4, 0), (0.0, 0.0, 60)]
"""Gaps at the input, stalls at the output, cycles at the beginning in which nothing is taken."""


def check(
    layer: Dense, tech: str, traffic: tuple[float, float, int], frames: int = 40, free: bool | None = None
) -> tuple[Driver, Monitor]:
    """Random vectors through a unit; every word and its cycles."""
    unit = Spatial(SpatialUnit(layer, technology(tech), runs_free=free))
    gap, stall, deaf = traffic
    rng = random.Random(f"{layer.name} {traffic}")
    codes = np.random.default_rng(layer.neurons).integers(0, layer.input.levels, (frames, layer.synapses))
    driver = Driver([join(row, layer.input.bits) for row in codes.tolist()], arrivals=random_arrivals(rng, frames, gap))
    monitor = Monitor(frames, readiness=random_readiness(rng, stall, deaf))
    check_cycles(unit, {"input": driver}, {"output": monitor}, unit.model.timing.flow, frames)
    due = activations(layer, accumulators(layer, codes)) % layer.output.levels
    found = [split(word, layer.output.bits, layer.neurons) for word in monitor.words]
    assert found == due.tolist()
    return driver, monitor


@pytest.mark.parametrize("case", CASES, ids=str)
def test_spatial(case: Case) -> None:
    check(case.layer(), case.technology, TRAFFIC[(case.neurons + case.synapses) % 4])


@pytest.mark.parametrize("family, free, queue", [("ice40", None, 0), ("ecp5", None, 1), ("ecp5", True, 1)])
@pytest.mark.parametrize("traffic", TRAFFIC)
def test_cycles(traffic: tuple[float, float, int], family: str, free: bool | None, queue: int) -> None:
    """A vector per cycle, latency P + 1, and with nothing taken P + 2 words are accepted; without a queue P and P."""
    layer = Case(7, 20, family).layer()
    unit = SpatialUnit(layer, technology(family), runs_free=free)
    timing = unit.timing
    driver, monitor = check(layer, family, traffic, free=free)
    assert (timing.interval, timing.latency, timing.depth) == (1, unit.stages + queue, unit.stages + queue)
    if traffic == (0, 0, 0):
        assert set(differences(driver.accepted)) == {1}
        assert monitor.offered[0] - driver.accepted[0] == timing.latency
        assert set(differences(monitor.offered)) == {1}
    if traffic[2]:
        assert sum(cycle < traffic[2] for cycle in driver.accepted) == unit.places == unit.stages + 2 * queue


@pytest.mark.parametrize("free", [None, True])
@pytest.mark.parametrize("case", [Case(3, 2, "ice40"), Case(4, 40, "ecp5")], ids=str)
def test_flow(case: Case, free: bool | None) -> None:
    unit = Spatial(SpatialUnit(case.layer(), technology(case.technology), runs_free=free))
    check_flow(unit, unit.model.timing.flow, 1, 1, frames=25)


def matrix(rows: list[str], thresholds: list[int], dtype: str = "bipolar") -> Dense:
    """A layer from its weights, ``+``, ``-`` and ``0``."""
    signs = np.array([[" -0+".index(sign) - 2 for sign in row] for row in rows])
    planes = tuple(WeightPlane(1, BitMatrix.from_bits((bits > 0).astype(np.uint8))) for bits in (signs + 1, signs))
    values = np.array(thresholds, np.int64)[:, None]
    return Dense("layer", DataType.parse(dtype), planes, Thresholds(values, DataType("bipolar", 1)))


def test_weights_of_zero_cost_nothing() -> None:
    """Ternary rows: only lanes that are not 0 are counted, and constant neurons not at all."""
    # With K synapses an accumulator is K + 2 * (agreeing lanes) - (lanes that are not 0), so 6 + 2 * p - 2 or - 3.
    layer = matrix(["+0-000", "000000", "00+0+-"], [6, 7, 7])
    unit = SpatialUnit(layer, technology("ice40"))
    assert [len(total.counters) for total in unit.structure.sums] == [1, 1]
    assert sorted(total.counters[0].plan.lanes for total in unit.structure.sums) == [2, 3]
    assert unit.structure.neurons[1].sum is None
    check(layer, "ice40", (0, 0, 0))


def test_a_neuron_that_never_changes_is_a_constant() -> None:
    """Thresholds that are always met or never: neither is counted, nor is what only they use."""
    layer = matrix(["++++", "+-+-", "--++"], [0, 9, 4])
    unit = SpatialUnit(layer, technology("ice40"))
    assert [neuron.sum is None for neuron in unit.structure.neurons] == [True, True, False]
    assert len(unit.structure.sums) == 1
    check(layer, "ice40", (0, 0, 0))


def test_storage() -> None:
    """Registers of a small unit, counted by hand: two neurons of three lanes each, equal but for one."""
    layer = matrix(["+++", "++-"], [4, 4])
    unit = Spatial(SpatialUnit(layer, technology("generic")))
    assert [total.parent for total in unit.model.structure.sums] == [None, None]
    # Counts of two bits and a comparison for each; a valid for each stage, the queue of two words, its level and
    # whether it holds any; the enable, and its copy.
    assert unit.model.stages == 2
    assert register_bits(unit) == 2 * (2 + 1) + 2 + (2 * 2 + 2 + 1) + 1 + 1
    # Without a queue neither that nor the enable.
    assert register_bits(Spatial(SpatialUnit(layer, technology("ice40")))) == 2 * (2 + 1) + 2
    # Running free: no enable, but a queue of four words, its level, the places that are left, 0 to 4, and of each
    # whether there are any.
    free = Spatial(SpatialUnit(layer, technology("generic"), runs_free=True))
    assert register_bits(free) == 2 * (2 + 1) + 2 + (4 * 2 + 3 + 1) + (3 + 1)


def test_inputs_wait_beside_their_users() -> None:
    """Two neurons of seven lanes, the last of both the same: delayed once, but twice where nothing stands."""
    layer = matrix(["++++++000000+", "000000+++++++"], [12, 14])
    standing, free = (
        Spatial(SpatialUnit(layer, technology("ecp5"), runs_free=runs_free)) for runs_free in (False, True)
    )
    assert [total.parent for total in free.model.structure.sums] == [None, None]
    stages = free.model.stages
    # A queue of two words, its level, the enable and its copy; one of two words more than stages, and its places.
    bits = (stages + 2).bit_length()
    control = 2 * 2 + 2 + 2, 2 * (stages + 2) + bits + bits + 1
    (last,) = {sum(counter.plan.lane_stages) for total in free.model.structure.sums for counter in total.counters}
    assert last > 0
    assert register_bits(free) - register_bits(standing) == control[1] - control[0] + last


@pytest.mark.parametrize(
    "case",
    [
        Case(40, 9, "ice40"),
        Case(6, 12, "ice40", coefficients=(1, 1)),
        Case(3, 6, "ice40", output=None),
        Case(1, 1, "ice40"),
    ],
    ids=str,
)
def test_registers_are_as_many_as_estimated(case: Case) -> None:
    """Exactly, where no two of them hold the same and none a constant, which synthesis finds."""
    standing = SpatialUnit(case.layer(), technology("ice40"))
    assert register_bits(Spatial(standing)) == standing.resources(standing.technology).ff
    if case.neurons < 40:
        free = SpatialUnit(case.layer(), technology("ecp5"), runs_free=True)
        bits = free.queue.bit_length()
        control = free.queue * free.outputs[0].width + 2 * bits + 2
        assert (
            register_bits(Spatial(free))
            == free.datapath_inventory().resources(free.technology).ff + free.stages + control
        )


def test_needs_a_streamlined_layer() -> None:
    from bnnhw.ir import BatchNorm, batch_norm_sign

    ones, zeros = np.ones(2), np.zeros(2)
    plain = random_layer(np.random.default_rng(0), 2, 4, name="fc1")
    layer = Dense("fc1", plain.input, plain.weights, batch_norm_sign(BatchNorm(ones, zeros, zeros, ones, 0.0)))
    with pytest.raises(ValueError, match=r"^layer fc1 must be streamlined$"):
        SpatialUnit(layer, technology("generic"))


@pytest.mark.parametrize("family, lanes", [("ice40", 8), ("ecp5", 5), ("ice40", 1)])
def test_bare_sums(family: str, lanes: int) -> None:
    """Counts of lanes instead of accumulators, which are twice that and as much as there are weights of 0."""
    layer = class_sums(3 * lanes, 3)
    bared = SpatialUnit(layer, technology(family)).bared()
    assert bared is not None
    model, coding = bared
    assert (coding.step, coding.offset, coding.low, coding.high) == (2, 2 * lanes, 0, lanes)
    codes = np.random.default_rng(lanes).integers(0, 2, (30, 3 * lanes))
    driver, monitor = Driver([join(row, 1) for row in codes.tolist()]), Monitor(30)
    check_cycles(Spatial(model), {"input": driver}, {"output": monitor}, model.timing.flow, 30)
    counts = codes.reshape(30, 3, lanes).sum(axis=2)
    assert [split(word, model.lane_bits, 3) for word in monitor.words] == counts.tolist()
    assert np.array_equal(coding.step * counts + coding.offset, accumulators(layer, codes))


def test_no_bare_sums() -> None:
    """Of thresholds, of a neuron that is a constant, of offsets that differ, of a sum computed from another one."""
    near = BitMatrix.from_bits(np.array([[1] * 20, [1] * 19 + [0]], np.uint8))
    for layer in (
        Dense("layer", DataType("bipolar", 1), (WeightPlane(1, near),), None),
        matrix(["++", "+-"], [1, 1]),
        replace(matrix(["+0", "00"], [1, 1]), activation=None),
        replace(matrix(["+0", "++"], [1, 1]), activation=None),
    ):
        unit = SpatialUnit(layer, technology("ice40"))
        assert unit.bared() is None
        with pytest.raises(ValueError, match=r"^layer layer must emit accumulators that all have one offset$"):
            replace(unit, bare=True)
