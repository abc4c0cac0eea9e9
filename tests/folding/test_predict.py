"""The cycle model on networks counted by hand; against simulation in rtl_tests/accelerator/test_rtl.py."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bnnhw.devices import FAMILIES, technology
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.folding.predict import LayerCycles, predict
from bnnhw.ir import InputSpec, Network, Output
from bnnhw.ir.types import DataType
from bnnhw.rtl.popcount_plan import plan
from bnnhw.units.width.model import WidthUnit
from tests.layers import random_layer


def folded(*foldings: tuple[int, int], sizes: tuple[int, ...] = (12, 8, 4)) -> FoldedNetwork:
    rng = np.random.default_rng(0)
    layers = [
        random_layer(rng, sizes[i + 1], sizes[i], output="bipolar" if i < len(foldings) - 1 else None, name=f"fc{i}")
        for i in range(len(foldings))
    ]
    network = Network(InputSpec((sizes[0],), DataType.parse("bipolar")), (*layers, Output.plain("out", sizes[-1])))
    return FoldedNetwork(network, tuple(LayerFolding(pe, simd, "lut") for pe, simd in foldings))


def count(simd: int) -> int:
    return plan(simd, technology("ice40")).latency


def test_one_layer() -> None:
    """12 -> 4, 3 lanes, 2 neurons: SF = 4, NF = 2."""
    prediction = predict(folded((2, 3), sizes=(12, 4)).graph(technology("ice40")))
    assert prediction.cycles_per_frame == 8
    assert prediction.layers == (LayerCycles("fc0", "mvu", 8), LayerCycles("out", "argmax", 2))
    # 8 cycles; 2 to read, the popcount, 1 to accumulate, 1 in the queue. The second of the argmax's two words is the
    # layer's last: capture, a comparison, the running best, the queue.
    assert prediction.latency_cycles == 8 + (2 + count(3) + 1 + 1) + 4


def test_everything_at_once() -> None:
    """SF = NF = 1 throughout: a frame per cycle."""
    prediction = predict(folded((8, 12), (4, 8)).graph(technology("ice40")))
    assert prediction.cycles_per_frame == 1
    assert [unit.cycles for unit in prediction.layers] == [1, 1, 1]
    first, last = 1 + 2 + count(12) + 1 + 1, 1 + 2 + count(8) + 1
    # All classes in one word: the numbers, and two rounds of comparisons.
    assert prediction.latency_cycles == first + last + 3


def test_layers_overlap() -> None:
    """The second layer works on the first neuron folds while the first makes the last ones."""
    prediction = predict(folded((2, 6), (4, 2)).graph(technology("ice40")))
    # First: SF = 2, NF = 4, a word every 2 cycles; its last after 8 + L. Second: SF = 4, NF = 1 consumes each at once.
    first = 8 + 2 + count(6) + 1 + 1 + 1
    second = 1 + 2 + count(2) + 1 + 1
    assert prediction.latency_cycles == first + second + 3 + 2
    assert prediction.cycles_per_frame == 8


def test_converter_is_counted() -> None:
    """8 neurons of 8 lanes at once go to 2 lanes: the converter gives 4 words, 1 cycle after the word came."""
    prediction = predict(folded((8, 12), (4, 2)).graph(technology("ice40")))
    assert prediction.layers == (
        LayerCycles("fc0", "mvu", 1),
        LayerCycles("fc1", "width", 4),
        LayerCycles("fc1", "mvu", 4),
        LayerCycles("out", "argmax", 1),
    )
    first = 1 + 2 + count(12) + 1 + 1
    last_word = first + 1 + 3
    assert prediction.latency_cycles == last_word + (1 + 2 + count(2) + 1 + 1) + 3 + 2


def test_slowest_unit_decides() -> None:
    """Over all foldings of a small network."""
    for foldings in itertools.product(itertools.product((1, 3, 8), (1, 5, 12)), itertools.product((1, 4), (1, 3, 8))):
        network = folded(*foldings)
        for name in FAMILIES:
            prediction = predict(network.graph(technology(name)))
            (pe, simd), (last_pe, last_simd) = foldings
            mvus = [-(-12 // simd) * -(-8 // pe), -(-8 // last_simd) * -(-4 // last_pe)]
            assert [unit.cycles for unit in prediction.layers if unit.unit == "mvu"] == mvus
            units = [node.unit for node in network.graph(technology(name)).nodes]
            widths = [unit.interval for unit in units if isinstance(unit, WidthUnit)]
            assert [unit.cycles for unit in prediction.layers if unit.unit == "width"] == widths
            # Where all take a frame per cycle the output has a unit of its own.
            kind = "best" if max(*mvus, *widths, -(-4 // last_pe)) == 1 else "argmax"
            assert prediction.layers[-1] == LayerCycles("out", kind, -(-4 // last_pe))
            assert prediction.cycles_per_frame == max(*mvus, *widths, -(-4 // last_pe))
            assert prediction.latency_cycles > max(mvus)


def test_equal_graphs_equal_predictions() -> None:
    network = folded((2, 3), sizes=(12, 4))
    assert predict(network.graph(technology("ecp5"))) == predict(network.graph(technology("ecp5")))


def test_unknown_technology() -> None:
    with pytest.raises(ValueError, match=f"^technology must be one of {', '.join(FAMILIES)}, not 'virtex'$"):
        folded((2, 3), sizes=(12, 4)).graph(technology("virtex"))
