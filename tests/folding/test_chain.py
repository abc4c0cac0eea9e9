"""Which units an accelerator consists of, and what they are called."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.folding.chain import chain
from bnnhw.folding.counter import technology
from bnnhw.folding.gearbox import Gearbox
from bnnhw.folding.pipeline import mvu_pipeline
from bnnhw.folding.units import MvuUnit, WidthUnit
from bnnhw.ir import InputSpec, Network, Output
from bnnhw.ir.types import DataType
from tests.hardware.bench import random_layer


def folded(names: tuple[str, ...] = ("a", "b", "c"), simd: tuple[int, ...] = (4, 5, 3)) -> FoldedNetwork:
    """12 inputs, 10, 6 and 3 neurons; PE 5, 3, 1; 2-bit elements between the layers."""
    rng = np.random.default_rng(0)
    sizes, types = (12, 10, 6, 3), ("bipolar", "uint2", "uint2", None)
    layers = [
        random_layer(rng, sizes[i + 1], sizes[i], types[i], types[i + 1], name=name) for i, name in enumerate(names)
    ]
    network = Network(InputSpec((12,), DataType.parse("bipolar")), (*layers, Output.plain("out", 3)))
    return FoldedNetwork(network, tuple(LayerFolding(pe, s) for pe, s in zip((5, 3, 1), simd, strict=True)))


@pytest.mark.parametrize("tech", ["generic", "ice40", "ecp5"])
def test_stages(tech: str) -> None:
    network = folded()
    units = chain(network, technology(tech))
    mvus = [stage.unit for stage in units.stages if isinstance(stage.unit, MvuUnit)]
    assert [(unit.layer, unit.folding) for unit in mvus] == list(network.pairs)
    for unit in mvus:
        assert unit.pipeline == mvu_pipeline(unit.layer, unit.folding, technology(tech))
        assert unit.repeats == 1
    # One after another.
    assert [(stage.sources, stage.sinks) for stage in units.stages] == [
        ((i,), (i + 1,)) for i in range(len(units.stages))
    ]
    assert units.output == len(units.stages)


@pytest.mark.parametrize(
    "simd, second, third",
    [
        ((4, 5, 3), None, None),
        ((12, 5, 6), None, Gearbox(6, 12, 12)),
        ((4, 2, 3), Gearbox(10, 4, 20), None),
        ((1, 1, 1), Gearbox(10, 2, 20), Gearbox(6, 2, 12)),
        ((4, 10, 4), Gearbox(10, 20, 20), Gearbox(6, 8, 12)),
    ],
)
def test_converters(simd: tuple[int, int, int], second: Gearbox | None, third: Gearbox | None) -> None:
    """One where PE and the next SIMD differ, in bits; never one before the first layer."""
    stages = chain(folded(simd=simd), technology("generic")).stages
    found = {stage.layer: stage.unit.pipeline for stage in stages if isinstance(stage.unit, WidthUnit)}
    assert found == {name: gearbox for name, gearbox in (("b", second), ("c", third)) if gearbox is not None}


def test_names() -> None:
    """Legal in Verilog, unique also where layers' names differ in what is not, and in order."""
    stages = chain(folded(("fc/1", "fc.1", "схема 7")), technology("generic")).stages
    names = [stage.name for stage in stages]
    assert names == ["layer0_fc_1", "layer1_fc_1", "layer2_7", "output"]
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in names)


def test_name_of_nothing_legal() -> None:
    names = [stage.name for stage in chain(folded(("/", "схема", "_")), technology("generic")).stages]
    assert len(set(names)) == 4
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in names), names
