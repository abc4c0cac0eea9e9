"""Accelerators whose memories are filled at run time, as Verilog, against the reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bnnhw.dataflow.loads import image
from bnnhw.devices import technology
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.ir import DataType, InputSpec, Network, Output
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import verilog
from bnnhw.sim.core import Core
from bnnhw.sim.simulate import simulate_core
from tests.layers import random_layer

FOLDINGS = (
    # 37 columns, 3 planes of input: two SPRAMs, the rest in block RAM, both orders of planes.
    LayerFolding(4, 7, "spram"),
    LayerFolding(3, 5, "spram", planes="serial", writable=True),
    LayerFolding(5, 8, "block", vectors=2, writable=True),
    # One word: registers.
    LayerFolding(6, 9, "block", writable=True),
)


def network(seed: int) -> Network:
    """Four layers of one shape, and of weights and thresholds by the seed, but for the first."""
    bit, two = DataType("bipolar", 1), "uint2"
    fixed, rng = np.random.default_rng(99), np.random.default_rng(seed)
    layers = (
        random_layer(fixed, 20, 23, "bipolar", two, (1,), name="first"),
        random_layer(rng, 17, 20, two, "bipolar", (1,), name="second"),
        random_layer(rng, 9, 17, "bipolar", "bipolar", (1, 2), name="third"),
        random_layer(rng, 6, 9, "bipolar", None, (1,), name="fourth"),
    )
    return Network(InputSpec((23,), bit), (*layers, Output.plain("classes", 6)))


@pytest.mark.parametrize("family", ["ice40", pytest.param("ecp5", marks=pytest.mark.slow)])
def test_image_of_any_network_of_the_shape(family: str) -> None:
    """One Verilog; filled with its own image it is its network, with that of another it is that."""
    foldings = FOLDINGS if family == "ice40" else tuple(replace(each, memory="block") for each in FOLDINGS)
    one, other = (FoldedNetwork(network(seed), foldings) for seed in (1, 2))
    graph = one.graph(technology(family))
    text = verilog(Accelerator(graph), "accelerator", family)
    assert ("SB_SPRAM256KA" in text) == (family == "ice40")
    core = Core.of(graph)
    codes = np.random.default_rng(0).integers(0, 2, (40, 23)).astype(np.uint8)
    classes = []
    for folded in (one, other):
        load = image(folded.graph(technology(family)).loads).astype("<u2").tobytes()
        assert len(load) == len(core.load)
        found = simulate_core(folded.network, replace(core, load=load), text, codes, stall=0.3, layers=True)
        assert (found.mismatches, found.layer_mismatches) == (0, ())
        assert found.cycles_per_frame == found.predicted_cycles_per_frame
        assert found.latency_cycles == found.predicted_latency_cycles
        classes.append(found.classes)
    assert not np.array_equal(*classes)


def test_without_such_memories_there_is_no_bus() -> None:
    foldings = tuple(replace(each, memory="block", writable=False) for each in FOLDINGS)
    graph = FoldedNetwork(network(1), foldings).graph(technology("ice40"))
    accelerator = Accelerator(graph)
    assert "load" not in accelerator.signature.members
    assert "load_" not in verilog(accelerator, "accelerator", "ice40")
    assert Core.of(graph).load == b""
