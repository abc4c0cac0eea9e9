"""The scores of all classes in the results: every one compared in Verilator, with stalls too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bnnhw import devices
from bnnhw.ir import Output
from bnnhw.reference import evaluate
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import verilog
from bnnhw.sim.core import Core
from bnnhw.sim.simulate import simulate_core
from tests.needs import SIMULATION, needs
from tests.verilog.networks import NETWORKS


@pytest.mark.parametrize("network", ["multi-bit", "dense"])
def test_every_score(network: str, cache: Path) -> None:
    needs(*SIMULATION)
    folded = NETWORKS[network]()
    graph = folded.graph(devices.technology("generic"), scores=True)
    text, core = verilog(Accelerator(graph), "accelerator"), Core.of(graph)
    bits = folded.network.input.dtype.bits
    codes = np.random.default_rng(1).integers(0, 1 << bits, (60, folded.network.input.elements)).astype(np.uint8)
    for stall in (0.0, 0.5):
        result = simulate_core(folded.network, core, text, codes, stall=stall, cache=cache)
        assert (result.images, result.mismatches, result.cycles_match) == (60, 0, True)
    # A wrong score that is not the winner's is seen.
    output = folded.network.output
    offset = output.offset.copy()
    loser = int(evaluate(folded.network, codes).scores.sum(axis=0).argmin())
    offset[loser] -= 1
    other = replace(folded.network, layers=(*folded.network.chain, Output("output", output.multiplier, offset)))
    assert simulate_core(other, core, text, codes, cache=cache).mismatches == 60
