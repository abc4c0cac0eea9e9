"""The sums that spatial units compute, evaluated in integers: corrections, shared lanes, constants."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnhw.devices import technology
from bnnhw.ir import BitMatrix, DataType, Dense, WeightPlane
from bnnhw.units.spatial.corrections import JOIN, Origin, lane_counts, spanning
from bnnhw.units.spatial.structure import Structure, joined, structure, triples_of
from bnnhw.units.spatial.triples import LANES, shared_triples
from rtl_tests.golden import accumulators
from tests.layers import random_layer


def values(made: Structure, codes: NDArray[np.int64], bits: int) -> list[NDArray[np.int64]]:
    """The value of each sum for vectors of codes, as it is put together."""
    x = (codes[:, :, None] >> np.arange(bits) & 1).reshape(len(codes), -1)
    found: list[NDArray[np.int64]] = []
    for total in made.sums:
        value = np.zeros(len(codes), np.int64)
        if total.parent is not None:
            before = found[total.parent]
            value += (1 << made.sums[total.parent].bits) - 1 - before if total.negated else before
        for counter in total.counters:
            lanes = [x[:, bit] ^ inverted for bit, inverted in counter.lanes]
            for number, complements in counter.shared:
                lanes += [x[:, bit] ^ inverted ^ complements for bit, inverted in made.triples[number]]
            assert len(lanes) == counter.plan.lanes
            assert len(counter.shared) <= triples_of(counter.plan)
            value += sum(lanes) << counter.shift
        assert value.min() >= total.low and value.max() <= total.high
        found.append(value)
    return found


def near(rng: np.random.Generator, neurons: int, synapses: int, flipped: float) -> Dense:
    """Rows that are each near one of two, or near its complement."""
    centres = rng.integers(0, 2, (2, synapses))
    rows = centres[rng.integers(0, 2, neurons)] ^ rng.integers(0, 2, (neurons, 1))
    bits = (rows ^ (rng.random((neurons, synapses)) < flipped)).astype(np.uint8)
    return Dense("layer", DataType("bipolar", 1), (WeightPlane(1, BitMatrix.from_bits(bits)),), None)


LAYERS = {
    "random": random_layer(np.random.default_rng(0), 20, 60, output=None),
    "near": near(np.random.default_rng(1), 30, 100, 0.1),
    "equal": near(np.random.default_rng(2), 9, 40, 0.0),
    "ternary": random_layer(np.random.default_rng(3), 12, 40, "bipolar", None, (1, 1)),
    "levels": random_layer(np.random.default_rng(4), 10, 20, "int3", None, (1, -2)),
    "one": random_layer(np.random.default_rng(5), 1, 1, output=None),
}


@pytest.mark.parametrize("family", ["ice40", "ecp5"])
@pytest.mark.parametrize("name", LAYERS)
def test_accumulators(name: str, family: str) -> None:
    """What a neuron adds to the value of its sum makes its accumulator."""
    layer = LAYERS[name]
    made = structure(layer, technology(family))
    codes = np.random.default_rng(9).integers(0, layer.input.levels, (200, layer.synapses))
    due = accumulators(layer, codes)
    sums = values(made, codes, layer.input.bits)
    for n, neuron in enumerate(made.neurons):
        found = neuron.offset + (0 if neuron.sum is None else sums[neuron.sum])
        assert np.array_equal(np.broadcast_to(found, len(codes)), due[:, n]), n


def test_rows_near_each_other_are_corrections() -> None:
    """A tenth of the lanes differs from the centre, a fifth from each other; complements are as near.

    Half of the lanes differ between the two centres, which still saves more than an adder costs.
    """
    made = structure(LAYERS["near"], technology("ice40"))
    alone = [total for total in made.sums if total.parent is None]
    assert len(alone) == 1
    assert any(total.negated for total in made.sums)
    lanes = sum(counter.plan.lanes for total in made.sums for counter in total.counters)
    assert lanes < 0.25 * 30 * 100


def test_equal_rows_are_one_sum() -> None:
    """Of two rows and their complements: each of the four at most once, complements without a lane."""
    made = structure(LAYERS["equal"], technology("ice40"))
    assert len(made.sums) <= 4
    assert [len(total.counters) for total in made.sums].count(1) == 2
    assert all(total.negated for total in made.sums if not total.counters)


def test_spanning_by_hand() -> None:
    """Of 40 inputs: a row, one with two signs turned, its complement with one, and one that is far from all.

    The last has 20 signs of the first, 18 or 22 of the second, and all but 19 of the complement with its one sign.
    """
    row = np.ones(40, np.int64)
    other, complement, far = row.copy(), -row, np.where(np.arange(40) % 2, 1, -1)
    other[:2] = -1
    complement[5] = 1
    rows = np.stack([row, other, complement, far])
    assert spanning(rows) == (Origin(0, None, False), Origin(2, 0, True), Origin(1, 0, False), Origin(3, 2, False))
    # At depth 0 nothing is a correction.
    assert [origin.parent for origin in spanning(rows, 0)] == [None] * 4


@pytest.mark.parametrize("turned, parent, negated", [(3, 0, False), (4, None, False), (8, None, False), (9, 0, True)])
def test_a_correction_must_pay_for_its_adder(turned: int, parent: int | None, negated: bool) -> None:
    """Of 12 lanes at most 3 may be left, counted up or down: with 4 and the adder nothing is saved."""
    assert JOIN == 8
    row = np.ones(12, np.int64)
    other = row.copy()
    other[:turned] = -1
    assert spanning(np.stack([row, other]))[1] == Origin(1, parent, negated)


def test_depth_is_bounded() -> None:
    """A chain of rows, each near the one before alone."""
    rows = np.ones((8, 64), np.int64)
    for i in range(1, 8):
        rows[i] = rows[i - 1]
        rows[i, 4 * i : 4 * i + 4] = -1
    level = {None: -1}
    for depth in (1, 2, 3):
        for origin in spanning(rows, depth):
            level[origin.row] = level[origin.parent] + 1
            assert level[origin.row] <= depth


def test_lane_counts() -> None:
    assert lane_counts(np.array([0, 1, -2, 3, -7])).tolist() == [0, 1, 1, 2, 3]


def test_triples_by_hand() -> None:
    """Rows 0, 1 and 3 share three inputs, row 3 with all signs turned; row 2 has one other sign."""
    signs = np.zeros((4, 5), np.int8)
    signs[0, :3] = signs[1, :3] = (1, -1, 1)
    signs[2, :3] = (1, -1, -1)
    signs[3, :3] = (-1, 1, -1)
    (users,) = shared_triples(signs, np.ones(4, np.int64))
    assert sorted(bit for bit, _ in users.triple) == [0, 1, 2]
    assert not users.triple[0][1]
    by_row = dict(users.rows)
    assert set(by_row) == {0, 1, 3}
    assert by_row[0] == by_row[1] != by_row[3]


def test_no_more_triples_than_there_is_room_for() -> None:
    signs = np.ones((3, 12), np.int8)
    found = shared_triples(signs, np.array([4, 2, 0]))
    uses = [row for user in found for row, _ in user.rows]
    assert uses.count(0) == uses.count(1) == 2
    assert uses.count(2) == 0
    bits = [bit for user in found for bit, _ in user.triple]
    assert len(set(bits)) == len(bits)


@pytest.mark.parametrize("inputs, shared", [(LANES // 2 - 1, True), (LANES // 2, False)])
def test_large_layers_share_what_more_sums_count(inputs: int, shared: bool) -> None:
    """Two rows of ones: two users are enough below 7,000 lanes."""
    assert bool(shared_triples(np.ones((2, inputs), np.int8), np.ones(2, np.int64))) == shared
    assert shared_triples(np.ones((3, inputs), np.int8), np.ones(3, np.int64))


@pytest.mark.parametrize("ready, due", [([], 0), ([3], 3), ([3, 3], 4), ([1, 5], 6), ([2, 2, 2], 4), ([1, 2, 3, 4], 5)])
def test_joined(ready: list[int], due: int) -> None:
    assert joined(ready) == due
