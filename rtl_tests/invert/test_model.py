"""The model of channel inverters: streams, cycles, and what it refuses."""

from __future__ import annotations

import pytest

from bnnhw.ir import MaxPool
from bnnhw.units.invert.model import InvertUnit
from rtl_tests.pool.maps import make_layer


def _unit(lanes: int) -> InvertUnit:
    layer = make_layer("min", "uint3", 5, (2, 2))
    assert isinstance(layer, MaxPool)
    return InvertUnit(layer, lanes)


def test_timing() -> None:
    """Wires: a word per cycle, offered in the cycle in which it comes."""
    words = 4 * 3 * 3
    unit = _unit(2)
    assert unit.inputs == unit.outputs
    assert unit.inputs[0].words == words
    assert (unit.timing.interval, unit.timing.latency, unit.timing.depth) == (words, words - 1, 0)


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        _unit(0)
