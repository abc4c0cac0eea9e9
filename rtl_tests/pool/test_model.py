"""The model of pooling units: words, cycles, padding, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.ir import DataType, MaxPool, SumPool, Window
from bnnhw.units.pool.model import PoolUnit
from rtl_tests.pool.maps import make_layer


def test_words() -> None:
    """A map of 4 x 3, stride 2 and 1: 5 channels in words of 2."""
    unit = PoolUnit(make_layer("max", "uint2", 5, (2, 2)), 2)
    positions, folds, area = unit.layer.window.positions, 3, 4
    assert (unit.timing.words_in, unit.timing.words_out) == (positions * folds * area, positions * folds)
    assert (unit.inputs[0].words, unit.outputs[0].words) == (unit.timing.words_in, unit.timing.words_out)
    assert unit.timing.interval == unit.timing.words_in
    assert unit.timing.latency == unit.timing.words_in


@pytest.mark.parametrize("dtype, code", [("bipolar", 0), ("uint3", 0), ("int3", 0b100)])
def test_padding_of_a_maximum_is_the_least_code(dtype: str, code: int) -> None:
    window = Window(2, 4, 4, (2, 2), (2, 2))
    assert PoolUnit(MaxPool("pool", window, DataType.parse(dtype), np.zeros(2, np.bool_)), 1).padding_code == code
    assert PoolUnit(SumPool("pool", window, DataType.parse(dtype)), 1).padding_code == 0


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        PoolUnit(make_layer("max", "uint3", 4, (2, 2)), 0)
