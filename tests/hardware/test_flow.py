# amaranth: UnusedElaboratable=no
"""The flow models of the matrix-vector unit, the argmax and the width converters, cycle by cycle against hardware."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from bnnhw.devices import technology
from bnnhw.folding import LayerFolding
from bnnhw.ir import Output
from bnnhw.units.argmax.model import ArgmaxUnit
from bnnhw.units.argmax.rtl import Argmax
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.rtl import Mvu
from bnnhw.units.width.model import WidthTiming, WidthUnit
from bnnhw.units.width.rtl import WidthConverter
from tests.hardware.bench import random_layer
from tests.hardware.flow import check_flow
from tests.hardware.test_width import gearboxes


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
        # Parts of a channel, replayed: one tap, one neuron a fold.
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


@pytest.mark.parametrize("classes, pe, multiplier", [(1, 1, 1), (2, 1, 3), (10, 3, 1), (10, 10, 2), (7, 1, 1)])
def test_argmax(classes: int, pe: int, multiplier: int) -> None:
    layer = random_layer(np.random.default_rng(0), classes, 7, output=None)
    output = Output("out", np.full(classes, multiplier), np.zeros(classes, np.int64))
    unit = Argmax(ArgmaxUnit(output, layer.accumulator_range, pe))
    check_flow(unit, unit.model.timing.flow, unit.model.timing.words, 1, frames=12, seed=classes)


@pytest.mark.parametrize(
    "widths",
    [
        # Wires, up, down: the frame a multiple of words and not, shorter than a word.
        (4, 4, 14),
        (3, 12, 36),
        (3, 12, 30),
        (1, 8, 3),
        (12, 3, 32),
        (12, 4, 5),
        # General: frames whose first word completes none, one, several.
        (5, 7, 35),
        (4, 6, 14),
        (2, 3, 7),
        (5, 24, 24),
        (7, 5, 70),
        (23, 4, 71),
    ],
)
def test_width_of_every_kind(widths: tuple[int, int, int]) -> None:
    check_width(WidthTiming(*widths))


@settings(derandomize=True, max_examples=20)
@given(gearboxes())
def test_width(gearbox: WidthTiming) -> None:
    check_width(gearbox)


def check_width(gearbox: WidthTiming) -> None:
    unit = WidthConverter(WidthUnit(gearbox.input_width, gearbox.output_width, gearbox.frame_bits))
    check_flow(unit, gearbox.flow, gearbox.words_in, gearbox.words_out, seed=gearbox.frame_bits)
