"""Which units an accelerator consists of, and what they are called."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.ir import InputSpec, Network, Output
from bnnhw.ir.types import DataType
from bnnhw.lowering.dense import DenseRule
from bnnhw.units.argmax.model import ArgmaxTiming, ArgmaxUnit
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.timing import MvuTiming
from bnnhw.units.pool.model import PoolTiming
from bnnhw.units.width.model import WidthTiming, WidthUnit
from bnnhw.units.window.model import WindowUnit
from bnnhw.units.window.timing import WindowTiming
from tests.layers import Branch, MapNetwork, random_layer, random_network


def folded(names: tuple[str, ...] = ("a", "b", "c"), simd: tuple[int, ...] = (4, 5, 3)) -> FoldedNetwork:
    """12 inputs, 10, 6 and 3 neurons; PE 5, 3, 1; 2-bit elements between the layers."""
    rng = np.random.default_rng(0)
    sizes, types = (12, 10, 6, 3), ("bipolar", "uint2", "uint2", None)
    layers = [
        random_layer(rng, sizes[i + 1], sizes[i], types[i], types[i + 1], name=name) for i, name in enumerate(names)
    ]
    network = Network(InputSpec((12,), DataType.parse("bipolar")), (*layers, Output.plain("out", 3)))
    return FoldedNetwork(network, tuple(LayerFolding(pe, s) for pe, s in zip((5, 3, 1), simd, strict=True)))


def test_a_graph_is_followed_once() -> None:
    """The same graph for the same network and foldings; another one for others, and for an estimate."""
    network = folded()
    tech = technology("ecp5")
    graph = network.graph(tech)
    assert network.graph(tech) is graph
    assert FoldedNetwork(network.network, network.foldings).graph(tech) is graph
    assert folded().graph(tech) is not graph
    assert network.graph(technology("ice40")) is not graph
    assert network.graph(tech, scores=True) is not graph
    assert FoldedNetwork(network.network, (LayerFolding(2, 4), *network.foldings[1:])).graph(tech) is not graph
    assert network.graph(tech, quick=True) is not graph


@pytest.mark.parametrize("tech", ["generic", "ice40", "ecp5"])
def test_stages(tech: str) -> None:
    network = folded()
    units = network.graph(technology(tech))
    mvus = [node.unit for node in units.nodes if isinstance(node.unit, MvuUnit)]
    assert [(unit.matrix, unit.folding) for unit in mvus] == list(network.pairs)
    for unit in mvus:
        assert unit.technology == technology(tech)
        assert unit.repeats == 1
    # One after another.
    assert [(node.sources, node.sinks) for node in units.nodes] == [((i,), (i + 1,)) for i in range(len(units.nodes))]
    assert units.output == len(units.nodes)


@pytest.mark.parametrize(
    "simd, second, third",
    [
        ((4, 5, 3), None, None),
        ((12, 5, 6), None, WidthTiming(6, 12, 12)),
        ((4, 2, 3), WidthTiming(10, 4, 20), None),
        ((1, 1, 1), WidthTiming(10, 2, 20), WidthTiming(6, 2, 12)),
        ((4, 10, 4), WidthTiming(10, 20, 20), WidthTiming(6, 8, 12)),
    ],
)
def test_converters(simd: tuple[int, int, int], second: WidthTiming | None, third: WidthTiming | None) -> None:
    """One where PE and the next SIMD differ, in bits; never one before the first layer."""
    stages = folded(simd=simd).graph(technology("generic")).nodes
    found = {node.layer: node.unit.timing for node in stages if isinstance(node.unit, WidthUnit)}
    assert found == {name: unit for name, unit in (("b", second), ("c", third)) if unit is not None}


def test_names() -> None:
    """Legal in Verilog, unique also where layers' names differ in what is not, and in order."""
    stages = folded(("fc/1", "fc.1", "схема 7")).graph(technology("generic")).nodes
    names = [node.name for node in stages]
    assert names == ["layer0_fc_1", "layer1_fc_1", "layer2_7", "output"]
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in names)


def test_name_of_nothing_legal() -> None:
    names = [node.name for node in folded(("/", "схема", "_")).graph(technology("generic")).nodes]
    assert len(set(names)) == 4
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in names), names


def kinds(network: Branch) -> list[tuple[str, str]]:
    """Name and kind of every unit."""
    assert isinstance(network, MapNetwork)
    return [(node.name, node.unit.kind) for node in network.folded().graph(technology("generic")).nodes]


def test_units_of_maps() -> None:
    """Windows before convolutions and pools, converters where lanes differ; a position alone needs no window."""
    network = MapNetwork((2, 8, 8)).conv(4, (3, 3), (2, 2)).pool((2, 2), (2, 2)).conv(6, (2, 2), (4, 2))
    assert kinds(
        network.conv(4, (1, 1), (2, 4)).pool((1, 1), (1, 1), kind="sum").quantize().dense(2, (1, 3), None)
    ) == [
        ("layer0_conv0_window", "window"),
        ("layer0_conv0", "mvu"),
        ("layer1_max1_window", "window"),
        ("layer1_max1", "pool"),
        ("layer2_conv2_window", "window"),
        ("layer2_conv2", "mvu"),
        ("layer3_conv3", "mvu"),
        ("layer4_sum4_window", "window"),
        ("layer4_sum4", "pool"),
        ("layer5_quantize5", "quantize"),
        ("layer6_dense6_width", "width"),
        ("layer6_dense6", "mvu"),
        ("output", "argmax"),
    ]


def test_depthwise_takes_a_lane_a_neuron() -> None:
    network = MapNetwork((4, 5, 5)).conv(4, (3, 3), (3, 1), depthwise=True).dense(2, (1, 2), None)
    assert kinds(network)[:3] == [
        ("layer0_conv0_window_width", "width"),
        ("layer0_conv0_window", "window"),
        ("layer0_conv0", "mvu"),
    ]
    assert isinstance(network, MapNetwork)
    units = network.folded().graph(technology("generic"))
    # Frames have no gaps, so they come in words of all 4 channels, not of 3.
    assert (units.input.lanes, units.input.words) == (4, 25)
    window, mvu = units.nodes[1].unit, units.nodes[2].unit
    assert isinstance(window, WindowUnit)
    assert isinstance(mvu, MvuUnit)
    assert (window.lanes, window.order, mvu.repeats) == (3, "channels", 9)
    assert mvu.interval == 9 * 9 * 2


@pytest.mark.parametrize("pe, lanes", [(2, 1), (4, 1), (8, 2)])
def test_depthwise_takes_whole_channels(pe: int, lanes: int) -> None:
    """With 4 neurons per channel: the lanes are channels, and one tap needs no window unit."""
    network = MapNetwork((3, 5, 5)).conv(12, (3, 3), (pe, 1), depthwise=True).dense(2, (1, 2), None)
    assert isinstance(network, MapNetwork)
    stages = network.folded().graph(technology("generic")).nodes
    units = {node.name: node.unit for node in stages}
    window, mvu = units["layer0_conv0_window"], units["layer0_conv0"]
    assert isinstance(window, WindowUnit)
    assert isinstance(mvu, MvuUnit)
    assert (window.lanes, window.order) == (lanes, "channels")
    assert (mvu.timing.vector_folds, mvu.timing.interval) == (max(4 // pe, 1), 9 * -(-12 // pe))
    one_tap = MapNetwork((3, 5, 5), "uint8").conv(12, (1, 1), (pe, 1), depthwise=True).dense(2, (1, 2), None)
    expected = [("layer0_conv0", "mvu")]
    # Words of 2 of 3 channels are made of words of all.
    assert kinds(one_tap)[: 1 + (pe == 8)] == [("layer0_conv0_width", "width")] * (pe == 8) + expected


def test_minimum_is_complemented_before_and_behind() -> None:
    network = MapNetwork((8, 4, 4)).pool((2, 2), (2, 2), kind="mixed").dense(2, (1, 2), None)
    assert kinds(network)[:3] == [
        ("layer0_max0_invert", "invert"),
        ("layer0_max0_window", "window"),
        ("layer0_max0", "pool"),
    ]


def test_fork_and_join() -> None:
    """Streams of a residual layer: the fork's two, a queue in the shortcut, both into the sum."""
    network = MapNetwork((4, 4, 4), "int3").residual(lambda b: b.quantize().conv(4, (1, 1), (2, 4), output=None))
    network.affine().quantize().dense(2, (1, 2), None)
    assert isinstance(network, MapNetwork)
    units = network.folded().graph(technology("generic"))
    found = {node.name: (node.sources, node.sinks) for node in units.nodes}
    assert found == {
        "layer0_residual0_fork": ((0,), (1, 2)),
        "layer1_residual0_body_quantize0": ((1,), (3,)),
        "layer2_residual0_body_conv1_width": ((3,), (4,)),
        "layer2_residual0_body_conv1": ((4,), (5,)),
        "layer0_residual0_buffer": ((2,), (6,)),
        "layer0_residual0_width": ((6,), (7,)),
        "layer0_residual0": ((5, 7), (8,)),
        "layer3_affine1": ((8,), (9,)),
        "layer4_quantize2": ((9,), (10,)),
        "layer5_dense3": ((10,), (11,)),
        "output": ((11,), (12,)),
    }
    assert (units.output, units.streams) == (12, 13)


def test_scores_of_bits() -> None:
    """A last layer that gives -1 and +1: the output unit takes 0 and 1, and its scores are those of -1 and +1."""
    network = MapNetwork((6, 1, 1)).dense(3, (1, 2))
    output = Output("out", np.array([1, -2, 3]), np.array([5, 0, -4]))
    spec = InputSpec((6, 1, 1), DataType.parse("bipolar"))
    made = FoldedNetwork(Network(spec, (*network.layers, output)), tuple(network.foldings))
    unit = made.graph(technology("generic")).nodes[-1].unit
    assert isinstance(unit, ArgmaxUnit)
    assert unit.accumulator_range == (0, 1)
    for bit, number in ((0, -1), (1, 1)):
        given = unit.output.multiplier * bit + unit.output.offset
        assert given.tolist() == (output.multiplier * number + output.offset).tolist()


def test_a_graph_follows_from_its_network_alone() -> None:
    network = folded()
    assert network.graph(technology("ecp5")) == network.graph(technology("ecp5"))
    assert network.graph(technology("ecp5")) != network.graph(technology("ice40"))


@pytest.mark.parametrize("seed", range(40))
def test_words_agree_on_every_stream(seed: int) -> None:
    """What a unit gives per frame is what the next one takes, in words and in bits; each stream has one of either.

    What the formats say of it is what the cycles say.
    """
    units = random_network(seed).graph(technology("generic"))
    given = {0: units.input.words}
    for node in units.nodes:
        timing, repeats = node.unit.timing, node.unit.repeats
        for number, form in zip(node.sources, node.unit.inputs, strict=True):
            words = given.pop(number)
            assert words == form.words
            if isinstance(timing, MvuTiming):
                per_vector = timing.synapse_folds * (timing.neuron_folds // timing.vector_folds)
                assert words == repeats * per_vector
            elif isinstance(timing, WidthTiming | WindowTiming | PoolTiming):
                assert words == repeats * timing.words_in
            else:
                assert words == timing.words
        if isinstance(timing, MvuTiming):
            words = repeats * timing.neuron_folds
        elif isinstance(timing, WidthTiming | WindowTiming | PoolTiming):
            words = repeats * timing.words_out
        else:
            words = 1 if isinstance(timing, ArgmaxTiming) else timing.words
        assert all(form.words == words for form in node.unit.outputs)
        given.update(dict.fromkeys(node.sinks, words))
    assert given == {units.output: 1}


@pytest.mark.parametrize(
    "rule",
    [
        # Nothing appended; a unit of another layer; another stream than the unit's.
        lambda build, layer, name, given: given,
        lambda build, layer, name, given: replace(given, number=build.add(name, "b", build.unit(layer), given.number)),
        lambda build, layer, name, given: replace(
            given, number=build.add(name, layer.name, build.unit(layer), given.number) - 1
        ),
    ],
)
def test_a_rule_must_end_in_a_unit_of_its_layer(rule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = DenseRule.lower

    def lower(self: DenseRule, build: Any, layer: Any, *rest: Any) -> Any:
        return rule(build, layer, *rest) if layer.name == "c" else plain(self, build, layer, *rest)

    monkeypatch.setattr(DenseRule, "lower", lower)
    with pytest.raises(ValueError, match=r"^layer c: its rule must end in a unit of its own$"):
        folded().graph(technology("generic"))


def test_streams_that_do_not_fit_are_refused() -> None:
    """A graph is checked: both ends of a stream have as many bits per word and words per frame."""
    units = folded(simd=(4, 2, 3)).graph(technology("generic"))
    (place,) = (i for i, node in enumerate(units.nodes) if node.unit.kind == "width")
    wrong = replace(units.nodes[place], unit=WidthUnit(10, 2, 20))
    with pytest.raises(ValueError, match=r"^layer1_b: must be given words of 4 bits, 5 per frame, not 10 of 2 bits$"):
        replace(units, nodes=(*units.nodes[:place], wrong, *units.nodes[place + 1 :]))
    with pytest.raises(ValueError, match=r"^every stream but the output must be taken, not left over: \[3\]$"):
        replace(units, nodes=units.nodes[:-2])
