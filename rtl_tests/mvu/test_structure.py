"""Ports and registers of a matrix-vector unit's parts, as their descriptions state them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.folding import LayerFolding
from bnnhw.ir import BitMatrix, DataType, Dense, WeightPlane
from bnnhw.rtl.emit import port_signals
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.replay import Replay
from bnnhw.units.mvu.rtl import Mvu
from bnnhw.units.mvu.shift_add import ShiftAdd
from rtl_tests.storage import register_bits
from rtl_tests.streams import Driver, Monitor, Run, simulate
from tests.layers import random_layer


def unit(pe: int, simd: int, planes: str) -> MvuUnit:
    """8 neurons of 16 synapses of 4 bits."""
    layer = random_layer(np.random.default_rng(0), 8, 16, "uint4", "uint2")
    return MvuUnit(layer, LayerFolding(pe, simd, "lut", planes=planes), technology("generic"))


def widths(component: Any) -> dict[str, int]:
    return {port: len(value) for port, (value, _) in port_signals(component).items()}


STREAM = {"input_valid": 1, "input_ready": 1}


@pytest.mark.parametrize("planes, plane, counts", [("parallel", 0, 0), ("serial", 2, 2 + 1)])
def test_replay(planes: str, plane: int, counts: int) -> None:
    """SF = 4, NF = 4: 8 words of 16 bits, 16 words of weights; in planes, which of 4 it is and whether the last."""
    model = unit(2, 4, planes)
    replay = Replay(model.timing, 16, model.technology)
    selects = {"plane": plane} if plane else {}
    assert widths(replay) == {
        **STREAM,
        **selects,
        "input_payload": 16,
        "position": 2,
        "grant": 1,
        "issue": 1,
        "ends": 1,
        "last": 1,
        "address": 4,
        "word": 16,
    }
    # Places free and words fresh, up to 8; three addresses; synapse and position; passes, one or four of each of 4
    # neuron folds; two addresses of weights; five marks. What was read is in the memory's own register.
    passes = 2 + plane
    assert register_bits(replay) == 2 * 4 + 3 * 3 + 2 * 2 + passes + 2 * 4 + 5 + counts


@pytest.mark.parametrize("signed", [False, True])
def test_shift_add(signed: bool) -> None:
    """Planes of 0..3, a sum of 0..45 or -24..21: its register, and whether a neuron begins."""
    total, bits = ((-24, 21), 6) if signed else ((0, 45), 6)
    component = ShiftAdd((0, 3), total, signed_top=signed)
    assert widths(component) == {"value": 2, "valid": 1, "ends": 1, "total": bits}
    assert register_bits(component) == bits + 1


@pytest.mark.parametrize(
    "planes, due",
    [
        # Lanes of four planes side by side and one of weights; three thresholds of 8 bits, an output of 2.
        ("parallel", {"x": 4 * 4, "w": 4, "valid": 1, "ends": 1, "thresholds": 3 * 8, "result": 2}),
        ("serial", {"x": 4, "w": 4, "valid": 1, "ends": 1, "neuron_ends": 1, "thresholds": 3 * 8, "result": 2}),
    ],
)
def test_processing_element(planes: str, due: dict[str, int]) -> None:
    whole = Mvu(unit(2, 4, planes))
    element = whole._element()
    assert widths(element) == due
    assert register_bits(element) < register_bits(whole)


def test_the_ends_of_a_difference_of_planes() -> None:
    """One plane that counts once, and one that counts minus three times: all of the one, then all of the other."""
    weights = tuple(WeightPlane(c, BitMatrix.from_bits(np.full((1, 3), bit, np.uint8))) for c, bit in ((1, 1), (-3, 0)))
    layer = Dense("layer", DataType("bipolar", 1), weights, None)
    mvu = Mvu(MvuUnit(layer, LayerFolding(1, 3, "lut"), technology("generic")))

    async def scenario(bench: Run) -> None:
        monitor = Monitor(3)
        await bench.stream(Driver([0b000, 0b111, 0b001]), monitor)
        bits = mvu.model.lane_bits
        assert monitor.words == [number & (1 << bits) - 1 for number in (-9, 3, 1 - 6)]

    simulate(mvu, scenario, seed=0)
