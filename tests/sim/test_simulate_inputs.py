"""Inputs of every kind on the generated Verilog in Verilator: thresholds per channel and element, rows that fall, and
every layout of raw samples.

Samples are encoded by the host as for a board. What is due is computed apart, element by element and layer by layer in
Python's own numbers (:mod:`tests.reference.naive`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bnnhw.flow.simulate import simulate
from bnnhw.folding import FoldedNetwork
from bnnhw.ir import InputSpec
from bnnhw.ir.input_spec import LAYOUTS
from tests.layers import MapNetwork
from tests.needs import SIMULATION, needs
from tests.reference import naive

SHAPE = (3, 4, 2)
FRAMES = 24


# They run what the first of them compiles.
pytestmark = pytest.mark.xdist_group("inputs in Verilator")


@pytest.fixture(autouse=True)
def _needs(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One compiled model for all: what is generated does not depend on the thresholds."""
    needs(*SIMULATION)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


def _folded(rows: int, falling: bool, layout: str) -> FoldedNetwork:
    """A convolution and a matrix behind an input with so many rows of thresholds."""
    branch = MapNetwork(SHAPE, "int2", seed=3).conv(4, (2, 2), (2, 6), output="uint2").dense(3, (3, 4), None)
    assert isinstance(branch, MapNetwork)
    rng = np.random.default_rng(rows)
    table = np.sort(rng.normal(size=(rows, 3)).round(2))
    table[0, 0], table[-1, 2] = -np.inf, np.inf
    falls = tuple(bool(n % 2) for n in range(rows)) if falling and rows > 1 else (falling,) * rows
    branch.spec = InputSpec(SHAPE, branch.spec.dtype, tuple(map(tuple, table.tolist())), falls, layout)
    return branch.folded()


def _code(spec: InputSpec, raw: np.ndarray, place: int) -> int:
    """The code of an element, by its place in the stream, of one raw sample."""
    position, c = divmod(place, SHAPE[0])
    where = {"c": c, "h": position // SHAPE[2], "w": position % SHAPE[2]}
    x = float(raw[tuple(where[axis] for axis in spec.layout)])
    number = place % len(spec.rows)
    falls = spec.falling and spec.falling[number]
    met = sum((t > x) if falls else (t <= x) for t in spec.rows[number])
    return naive.level_code(spec.dtype, met)


KINDS = [
    *((24 if number % 2 else 3, True, layout) for number, layout in enumerate(LAYOUTS)),
    (1, True, "hwc"),
    (24, False, "chw"),
]


@pytest.mark.parametrize("rows, falling, layout", KINDS)
def test_inputs(rows: int, falling: bool, layout: str) -> None:
    folded = _folded(rows, falling, layout)
    spec = folded.network.input
    assert spec.per == {1: "input", 3: "channel", 24: "element"}[rows] and bool(spec.falling) == falling
    raw = np.random.default_rng(7).normal(size=(FRAMES, *spec.sample_shape)).round(2)
    # Samples on a threshold itself, which is reached where it rises and is not where it falls.
    raw.reshape(FRAMES, -1)[0, spec.places()] = np.resize(spec.table[:, 1], spec.elements)
    told: list[tuple[float, float, str]] = []
    result = simulate(folded, raw, progress=lambda done, of, what="": told.append((done, of, what)))
    # What nobody knows the end of is said too.
    phases = ["reference of every layer", "compiling with Verilator", "comparing with the reference"]
    assert [what for _, of, what in told if not of] == phases
    assert told[-2] == (FRAMES, FRAMES, "")
    assert (result.images, result.mismatches, result.layer_mismatches) == (FRAMES, 0, ())
    codes = [[_code(spec, sample, place) for place in range(spec.elements)] for sample in raw]
    due = [naive.run(folded.network, frame)["out"] for frame in codes]
    assert result.classes.tolist() == [naive.winner(scores) for scores in due]
    assert result.scores.tolist() == [max(scores) for scores in due]
    assert len(set(result.scores.tolist())) > 3


def test_kinds_differ() -> None:
    """Each input makes other codes of a sample: none of the cases above is another one's."""
    raw = np.random.default_rng(7).normal(size=(FRAMES, 24))
    found = {_folded(*kind).network.input.encode(raw).tobytes() for kind in KINDS}
    assert len(found) == len(KINDS)
    one = _folded(3, True, "hwc").network.input
    assert not np.array_equal(one.encode(raw), replace(one, layout="chw").encode(raw))
