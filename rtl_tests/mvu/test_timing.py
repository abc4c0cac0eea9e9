# amaranth: UnusedElaboratable=no
"""The flow model of the matrix-vector unit, cycle by cycle against hardware."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.folding import LayerFolding
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.rtl import Mvu
from rtl_tests.flow import check_flow
from tests.layers import random_layer


@pytest.mark.parametrize(
    "neurons, synapses, pe, simd, tech",
    [
        (8, 16, 2, 4, "generic"),
        (8, 16, 2, 4, "ice40"),
        (6, 9, 1, 3, "ecp5"),
        (7, 13, 3, 5, "ice40"),
        (4, 12, 2, 1, "generic"),
        # NF = 1 with SF = 1, 2, 3 and 7; SF = 1 with NF = 2, 4.
        (3, 2, 3, 2, "ice40"),
        (3, 4, 3, 2, "generic"),
        (3, 3, 3, 1, "ice40"),
        (4, 7, 4, 1, "ecp5"),
        (4, 6, 2, 6, "ice40"),
        (4, 6, 1, 6, "generic"),
        # A popcount deeper than the synapse fold is long.
        (4, 70, 2, 35, "ecp5"),
        (4, 70, 2, 35, "ice40"),
    ],
)
def test_mvu(neurons: int, synapses: int, pe: int, simd: int, tech: str) -> None:
    layer = random_layer(np.random.default_rng(0), neurons, synapses, output="uint2" if simd == 3 else "bipolar")
    unit = Mvu(MvuUnit(layer, LayerFolding(pe, simd, "lut"), technology(tech)))
    check_flow(unit, unit.model.timing.flow, -(-synapses // simd), -(-neurons // pe), seed=neurons)


@pytest.mark.parametrize("channels, area, pe", [(8, 9, 2), (5, 4, 2), (4, 3, 4), (4, 1, 2), (3, 1, 3), (3, 2, 1)])
def test_depthwise(channels: int, area: int, pe: int) -> None:
    layer = random_layer(np.random.default_rng(0), channels, area)
    unit = Mvu(MvuUnit(layer, LayerFolding(pe, 1, "lut"), technology("generic"), 1))
    folds = -(-channels // pe)
    check_flow(unit, unit.model.timing.flow, folds * area, folds, seed=channels)


@pytest.mark.parametrize(
    "channels, multiplier, area, pe, planes",
    [
        # Whole channels: one, two of three, all; one tap.
        (3, 2, 4, 2, "parallel"),
        (3, 2, 4, 4, "parallel"),
        (2, 3, 1, 6, "parallel"),
        (3, 2, 2, 4, "serial"),
        # Parts of a channel, replayed: one tap, one neuron per fold.
        (3, 4, 4, 2, "parallel"),
        (2, 6, 1, 2, "parallel"),
        (2, 3, 3, 1, "parallel"),
        (2, 4, 2, 2, "serial"),
        (3, 2, 1, 1, "serial"),
    ],
)
def test_neurons_of_a_channel(channels: int, multiplier: int, area: int, pe: int, planes: str) -> None:
    layer = random_layer(np.random.default_rng(0), channels * multiplier, area, "uint2")
    unit = Mvu(MvuUnit(layer, LayerFolding(pe, 1, "lut", planes=planes), technology("generic"), multiplier))
    groups = -(-channels // max(pe // multiplier, 1))
    folds = -(-channels * multiplier // pe)
    check_flow(unit, unit.model.timing.flow, groups * area, folds, seed=channels)
