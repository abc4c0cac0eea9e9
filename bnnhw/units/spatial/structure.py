"""The sums of a matrix of constants: what each is made of, in which cycle, and what it costs.

The accumulator of a neuron is a constant and a sum of input bits times constant integers. Of these sums, equal ones
are one; each is computed from nothing or from another one (:mod:`~bnnhw.units.spatial.corrections`); what is counted
for it, lane by lane and binary digit by binary digit, shares its first adders with others
(:mod:`~bnnhw.units.spatial.triples`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnhw.devices import Technology
from bnnhw.ir import Dense, Thresholds
from bnnhw.rtl.popcount_plan import CounterPlan, plan
from bnnhw.units.spatial.corrections import Origin, spanning
from bnnhw.units.spatial.triples import Triple, Users, shared_triples

__all__ = ["Counter", "Lane", "Neuron", "Structure", "Sum", "Use", "joined", "structure", "synapses", "triples_of"]

KNOWN = 16
"""Structures that are remembered: a choice of a folding, its cost and its hardware ask for the same ones, and one of
50,000 weights takes seconds.
"""

Lane = tuple[int, bool]
"""An input bit, and whether it is inverted."""

Use = tuple[int, bool]
"""Number of a shared triple, and whether its complements are counted."""


@dataclass(frozen=True)
class Counter:
    """Lanes of one weight.

    Parameters
    ----------
    shift : int
        They count ``2 ** shift`` each.
    plan : CounterPlan
    lanes : tuple of Lane
        Those that are in no shared triple, in the order of the plan.
    shared : tuple of Use
        What the first triples of the plan are.
    """

    shift: int
    plan: CounterPlan
    lanes: tuple[Lane, ...]
    shared: tuple[Use, ...]


@dataclass(frozen=True)
class Sum:
    """A sum of inputs times constants: ``value + offset``, where ``value`` is what is computed, never negative.

    Parameters
    ----------
    parent : int or None
        Number of the sum that it is computed from.
    negated : bool
        Whether that one's value is inverted, bit by bit.
    counters : tuple of Counter
    offset : int
    low, high : int
        Least and greatest value that can come.
    ready : int
        The cycle, counted from the one in which a vector is accepted, in which the value is in a register.
    """

    parent: int | None
    negated: bool
    counters: tuple[Counter, ...]
    offset: int
    low: int
    high: int
    ready: int

    @property
    def bits(self) -> int:
        """Width of the value."""
        return self.high.bit_length()


@dataclass(frozen=True)
class Neuron:
    """What a neuron gives.

    Parameters
    ----------
    sum : int or None
        Number of its sum; None where the result is the same for every input.
    offset : int
        Added to the sum's value for its accumulator; without a sum the least accumulator.
    """

    sum: int | None
    offset: int


@dataclass(frozen=True)
class Structure:
    """All sums of a layer.

    Parameters
    ----------
    inputs : int
        Input bits: ``element * bits + plane``.
    triples : tuple of Triple
        Those that are shared.
    sums : tuple of Sum
        Each behind the one that it is computed from.
    neurons : tuple of Neuron
    """

    inputs: int
    triples: tuple[Triple, ...]
    sums: tuple[Sum, ...]
    neurons: tuple[Neuron, ...]

    @property
    def ready(self) -> int:
        """The cycle in which all sums are in registers."""
        return max((total.ready for total in self.sums), default=0)


def structure(layer: Dense, technology: Technology) -> Structure:
    """How the sums of a layer are computed on a technology; worked out once for equal weights and thresholds."""
    values = layer.activation.values if isinstance(layer.activation, Thresholds) else None
    key = layer.input, layer.weights, None if values is None else (values.shape, values.tobytes()), technology
    if key not in _KNOWN:
        while len(_KNOWN) >= KNOWN:
            del _KNOWN[next(iter(_KNOWN))]
        _KNOWN[key] = _structure(layer, technology)
    return _KNOWN[key]


def _structure(layer: Dense, technology: Technology) -> Structure:
    factors, constants = _factors(layer)
    live, least = _live(layer, factors, constants)
    rows, number = np.unique(factors[live], axis=0, return_inverse=True)
    origins = spanning(rows)
    place = {origin.row: position for position, origin in enumerate(origins)}
    counted = [_counted(rows, origin) for origin in origins]
    # One row of signs for each weight of each sum: the lanes of one popcount.
    columns = [
        (position, shift, np.where(np.abs(values) >> shift & 1, np.sign(values), 0).astype(np.int8))
        for position, values in enumerate(counted)
        for shift in range(int(np.abs(values).max(initial=0)).bit_length())
        if (np.abs(values) >> shift & 1).any()
    ]
    plans = [plan(int(np.count_nonzero(signs)), technology, True) for _, _, signs in columns]
    users: tuple[Users, ...] = ()
    if columns:
        room = np.array([triples_of(counter) for counter in plans])
        users = shared_triples(np.stack([signs for _, _, signs in columns]), room)
    counters: list[list[Counter]] = [[] for _ in origins]
    for (position, shift, signs), counter, uses in zip(columns, plans, _by_row(users, len(columns)), strict=True):
        counters[position].append(_counter(shift, counter, signs, uses, users))
    sums: list[Sum] = []
    for origin, values, own in zip(origins, counted, counters, strict=True):
        sums.append(_sum(origin, rows[origin.row], values, tuple(own), sums, place))
    neurons = [Neuron(None, int(value)) for value in least]
    for neuron, row in zip(np.flatnonzero(live), number.reshape(-1), strict=True):
        of = place[int(row)]
        neurons[neuron] = Neuron(of, int(constants[neuron]) + sums[of].offset)
    triples = tuple(user.triple for user in users)
    return Structure(layer.synapses * layer.input.bits, triples, tuple(sums), tuple(neurons))


_KNOWN: dict[object, Structure] = {}


def synapses(layer: Dense) -> int:
    """Weights that are not zero, whatever planes they are written in."""
    factors, _ = _factors(layer)
    return int(np.count_nonzero(factors.reshape(layer.neurons, layer.synapses, -1).any(axis=2)))


def triples_of(counter: CounterPlan) -> int:
    """Triples in a plan."""
    return int(counter.kind == "triple") + sum(triples_of(child) for child in counter.children)


def _factors(layer: Dense) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Factors (neurons, input bits) and constants (neurons) of the accumulators.

    A match of a bit with a weight of 1 is the bit, with one of 0 its complement, 1 less the bit.
    """
    bits = layer.input.bits
    factors = np.zeros((layer.neurons, layer.synapses, bits), np.int64)
    constants = np.zeros(layer.neurons, np.int64)
    for coefficient, i, j in layer.planes:
        weights = layer.weights[j].bits.bits().astype(np.int64)
        factors[:, :, i] += coefficient * (2 * weights - 1)
        constants += coefficient * (1 - weights).sum(axis=1)
    return factors.reshape(layer.neurons, -1), constants


def _live(
    layer: Dense, factors: NDArray[np.int64], constants: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which neurons' results depend on the inputs, and the least accumulator of each."""
    low, high = (np.where(np.sign(factors) == sign, factors, 0).sum(axis=1) + constants for sign in (-1, 1))
    if not isinstance(layer.activation, Thresholds):
        return low < high, low
    values = layer.activation.values
    return ((low[:, None] < values) & (values <= high[:, None])).any(axis=1), low


def _counted(rows: NDArray[np.int64], origin: Origin) -> NDArray[np.int64]:
    """The factors that are left to a row beside what it is computed from."""
    if origin.parent is None:
        return rows[origin.row]
    return rows[origin.row] - (-1 if origin.negated else 1) * rows[origin.parent]


def _by_row(users: tuple[Users, ...], rows: int) -> list[list[Use]]:
    found: list[list[Use]] = [[] for _ in range(rows)]
    for number, user in enumerate(users):
        for row, complements in user.rows:
            found[row].append((number, complements))
    return found


def _counter(
    shift: int, counter: CounterPlan, signs: NDArray[np.int8], uses: list[Use], users: tuple[Users, ...]
) -> Counter:
    taken = {bit for number, _ in uses for bit, _ in users[number].triple}
    lanes = tuple((int(bit), bool(signs[bit] < 0)) for bit in np.flatnonzero(signs) if int(bit) not in taken)
    return Counter(shift, counter, lanes, tuple(uses))


def _sum(
    origin: Origin,
    row: NDArray[np.int64],
    values: NDArray[np.int64],
    counters: tuple[Counter, ...],
    sums: list[Sum],
    place: dict[int, int],
) -> Sum:
    # An inverted lane counts 1 more than the lane itself times -1.
    offset = int(values[values < 0].sum())
    parent = None
    terms = [counter.plan.latency for counter in counters]
    if origin.parent is not None:
        parent = place[origin.parent]
        before = sums[parent]
        offset += -before.offset - (1 << before.bits) + 1 if origin.negated else before.offset
        terms.append(before.ready)
    low, high = int(row[row < 0].sum()) - offset, int(row[row > 0].sum()) - offset
    return Sum(parent, origin.negated, counters, offset, low, high, joined(terms))


def joined(ready: list[int]) -> int:
    """When the sum of terms is in a register: the two that are ready first are added, until one is left."""
    left = sorted(ready)
    while len(left) > 1:
        left = sorted([left[1] + 1, *left[2:]])
    return left[0] if left else 0
