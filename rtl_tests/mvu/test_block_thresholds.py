# amaranth: UnusedElaboratable=no
"""Thresholds in block RAM: the same words in the same cycles as from logic, and as many block RAMs as are counted."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
import pytest

from bnnhw.devices import blocks_needed, technology
from bnnhw.folding import LayerFolding
from bnnhw.ir import Thresholds
from bnnhw.rtl.emit import emit
from bnnhw.units.mvu.batch import BatchMvu
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.rtl import Mvu
from rtl_tests.mvu.traffic import Traffic
from rtl_tests.storage import memories
from rtl_tests.streams import Driver, Monitor, Run, simulate
from tests.layers import random_layer

CASES = {
    "generic": ((8, 16), LayerFolding(2, 4, "lut"), "generic", "bipolar", "uint2"),
    "ice40": ((7, 13), LayerFolding(3, 5, "block"), "ice40", "uint2", "uint3"),
    "ecp5": ((5, 9), LayerFolding(4, 8, "block"), "ecp5", "int2", "int2"),
    "one word per fold, ice40": ((8, 6), LayerFolding(2, 6, "block"), "ice40", "bipolar", "uint2"),
    "one word per fold, ecp5": ((8, 6), LayerFolding(2, 6, "block"), "ecp5", "bipolar", "uint2"),
    "one fold": ((4, 12), LayerFolding(4, 3, "block"), "ice40", "bipolar", "uint2"),
    "serial": ((4, 7), LayerFolding(2, 7, "lut", planes="serial"), "ice40", "int2", "bipolar"),
    "vectors": ((7, 13), LayerFolding(2, 4, "lut", vectors=3), "ecp5", "uint2", "uint2"),
    "vectors, ice40": ((6, 8), LayerFolding(3, 4, "block", vectors=2), "ice40", "bipolar", "int3"),
    "scores": ((3, 8), LayerFolding(2, 7, "lut"), "generic", "int3", None),
}


def model(case: str) -> MvuUnit:
    shape, folding, family, dtype, output = CASES[case]
    layer = random_layer(np.random.default_rng(3), *shape, dtype, output)
    return MvuUnit(layer, replace(folding, thresholds="block"), technology(family))


def component(unit: MvuUnit) -> Mvu:
    return Mvu(unit) if unit.folding.vectors == 1 else BatchMvu(unit)


def check(due: MvuUnit, made: MvuUnit) -> bool:
    """Whether a unit gives what another one's layer is due to, at full speed, with gaps and with stalls."""
    unit, nf = component(made), due.timing.neuron_folds
    traffic, equal = Traffic(component(due), seed=1), list[bool]()

    async def scenario(bench: Run) -> None:
        for gap, stall in ((0, 0), (0.5, 0), (0, 0.5)):
            sent, right = traffic.frames(6)
            driver, monitor = Driver(sent, gap), Monitor(6 * nf, stall)
            await bench.stream(driver, monitor)
            equal.append(bool((traffic.read(monitor.words) == right).all()))
            if len(equal) == 1:
                assert monitor.offered[nf - 1] - driver.accepted[0] == due.timing.latency

    simulate(unit, scenario, seed=3)
    return all(equal)


@pytest.mark.parametrize("case", CASES)
def test_equal(case: str) -> None:
    unit = model(case)
    in_logic = replace(unit, folding=replace(unit.folding, thresholds="lut"))
    assert unit.timing == in_logic.timing
    assert check(unit, unit)


def test_a_wrong_threshold_is_seen() -> None:
    """One neuron of the last fold that never leaves its lowest level."""
    unit = model("ice40")
    assert isinstance(unit.matrix.activation, Thresholds)
    values = unit.matrix.activation.values.copy()
    values[-1] = unit.matrix.accumulator_range[1] + 1
    wrong = replace(unit, matrix=replace(unit.matrix, activation=replace(unit.matrix.activation, values=values)))
    assert not check(unit, wrong)


def test_storage() -> None:
    """One memory of NF words, the thresholds of PE neurons in each."""
    found = memories(component(model("generic")))
    assert [size for name, size in found.items() if "thresholds" in name] == [(4, 2 * 3 * 5)]


@pytest.mark.parametrize("family, cell", [("ice40", "SB_RAM40_4K"), ("ecp5", "DP16KD")])
@pytest.mark.parametrize("neurons, pe", [(32, 1), (33, 3), (4, 4)])
def test_block_rams_are_counted(family: str, cell: str, neurons: int, pe: int) -> None:
    layer = random_layer(np.random.default_rng(3), neurons, 20, "uint2", "uint4")
    unit = MvuUnit(layer, LayerFolding(pe, 5, "lut", thresholds="block"), technology(family))
    columns, depth = pe * 15 * (3 * 20 + 1).bit_length(), ceil(neurons / pe)
    due = blocks_needed(depth, columns, unit.technology) if depth > 1 else 0
    assert unit.inventory().bram == due
    text = emit(component(unit), "top", family).rtlil
    assert sum(line.split()[:2] == ["cell", f"\\{cell}"] for line in text.splitlines()) == due
