"""The store that cores are measured in gives every frame once and in order, and counts the classes that are wrong."""

from __future__ import annotations

import random
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from bnnhw.devices import technology
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.reference import evaluate
from bnnhw.rtl.accelerator import Accelerator
from tests.benchmarks.neighbours import neighbour
from tests.sim.test_simulate_lookups import BIT, lookup, network, sums


@pytest.fixture(scope="module")
def store_top() -> ModuleType:
    return neighbour("store_top")


@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_wrong_classes(store_top: ModuleType, family: str) -> None:
    """Of 16 frames the labels of 5 are others, and as many are counted, whatever is held; on the ECP5 none waits."""
    made = network((90,), lookup("tables", 90, 24, 4, BIT, BIT, 0), sums(24, 3, BIT))
    graph = FoldedNetwork(made, (LayerFolding(3, 24, "constant", "spatial"),)).graph(technology(family))
    codes = np.random.default_rng(1).integers(0, 2, (16, 90), np.uint8)
    labels = evaluate(made, codes).classes.copy()
    wrong = [0, 3, 4, 9, 15]
    labels[wrong] = (labels[wrong] + 1) % 3
    core = Accelerator(graph)
    top = store_top.StoreTop(core, codes, labels, store_top.read_by(graph))
    rng = random.Random(family)
    taken = waited = 0

    async def testbench(ctx: Any) -> None:
        nonlocal taken, waited
        for cycle in range(400):
            # Nothing is taken at the end, until everything is counted.
            ctx.set(top.hold, rng.random() < 0.4 if cycle < 200 else cycle >= 360)
            waited += ctx.get(core.input.valid) and not ctx.get(core.input.ready)
            taken += ctx.get(core.output.valid) and ctx.get(core.output.ready)
            await ctx.tick()
        assert ctx.get(top.errors) == sum(number % 16 in wrong for number in range(taken))

    simulator = Simulator(top)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()
    assert taken > 10 * 16
    assert (waited == 0) == (family == "ecp5")
