"""Samples of every layout, in front of every kind of layer: an export is read as the network that it is of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnhw.frontend import read_model
from bnnhw.ir import Concat, InputSpec, Network
from bnnhw.ir.input_spec import LAYOUTS
from bnnhw.qonnx import write_qonnx
from bnnhw.reference import evaluate
from bnnhw.streamline import streamline
from tests.layers import Branch, MapNetwork

SHAPES = [(3, 4, 2), (2, 3, 3), (1, 4, 3)]


def _joined(branch: Branch, flat: bool) -> Branch:
    """What comes in, joined with a convolution of it."""
    other = Branch(branch.rng, branch.shape, branch.dtype, "body_")
    other.conv(2, (3, 3), (1, 1), padding=(1, 1, 1, 1), output=str(branch.dtype))
    layer = Concat("join", branch.shape, branch.dtype, tuple(other.layers), (), flat)
    branch.foldings += other.foldings
    branch._add(layer, layer.shape_out, layer.output)
    return branch


def _same(branch: Branch) -> Branch:
    return branch.conv(branch.shape[0], (3, 3), (1, 1), padding=(1, 1, 1, 1), output=None)


FIRST: dict[str, Callable[[Branch], Branch]] = {
    "matrix": lambda b: b,
    "convolution": lambda b: b.conv(4, (2, 2), (1, 1)),
    "max pool": lambda b: b.pool((2, 2), (2, 1)),
    "sum pool": lambda b: b.pool((3, 2), (1, 1), kind="sum"),
    "quantizer": lambda b: b.quantize(),
    "affine": lambda b: b.affine(),
    "add": lambda b: b.residual(_same).quantize(),
    "add of two": lambda b: b.residual(_same, _same).quantize(),
    "concat": lambda b: _joined(b, False),
    "flat concat": lambda b: _joined(b, True),
    "pool in a branch": lambda b: b.residual(lambda c: c.pool((3, 3), (1, 1), padding=(1, 1, 1, 1))),
}


def _network(first: str, shape: tuple[int, int, int], layout: str, rows: int, seed: int = 1) -> Network:
    branch = MapNetwork(shape, "int3", seed=seed)
    FIRST[first](branch).dense(3, (1, 1), None)
    table = np.sort(np.random.default_rng(0).normal(size=(rows, 7)).astype(np.float32).astype(float))
    falls = tuple(n % 2 == 0 for n in range(rows))
    thresholds = tuple(map(tuple, table.tolist())) if rows else None
    branch.spec = InputSpec(shape, branch.spec.dtype, thresholds, falls, layout)
    return branch.folded().network


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_read_again(tmp_path: Path, first: str, layout: str) -> None:
    number = LAYOUTS.index(layout) + list(FIRST).index(first)
    shape = SHAPES[number % len(SHAPES)]
    rng = np.random.default_rng(number)
    for rows in (0, 1, shape[0], int(np.prod(shape))):
        network = _network(first, shape, layout, rows)
        write_qonnx(network, tmp_path / "m.onnx")
        found = read_model(tmp_path / "m.onnx")
        assert found.warnings == ()
        again = streamline(found.network).network
        raw = (
            rng.normal(size=(12, *network.input.sample_shape))
            if rows
            else rng.integers(-4, 4, (12, network.input.elements))
        )
        raw = raw.astype(np.float32).reshape(12, -1)
        ours, theirs = (evaluate(n, n.input.encode(raw)) for n in (network, again))
        assert np.array_equal(ours.classes, theirs.classes)
        # Channels that an affine scales apart may come back in other units.
        assert first == "affine" or np.array_equal(ours.scores, theirs.scores)
        assert np.ptp(ours.scores) > 0


def test_one_threshold_of_an_image_is_no_fraction(tmp_path: Path) -> None:
    """What bnnhw wrote says what it takes: no scale is guessed."""
    branch = MapNetwork((1, 4, 3), "bipolar").conv(4, (2, 2), (1, 1)).dense(3, (1, 1), None)
    assert isinstance(branch, MapNetwork)
    branch.spec = InputSpec(branch.spec.shape, branch.spec.dtype, (0.25,))
    write_qonnx(branch.folded().network, tmp_path / "m.onnx")
    found = read_model(tmp_path / "m.onnx")
    assert found.network.input == branch.spec and found.warnings == ()
