"""Joined branches as units: streams, turns of the join, and room for what has to wait for its turn."""

from __future__ import annotations

import pytest

from bnnhw.dataflow.throughput import settle
from bnnhw.devices import technology
from bnnhw.lowering import lower
from bnnhw.units.buffer.model import BufferUnit
from bnnhw.units.join.model import JoinUnit
from tests.layers import Branch, MapNetwork

TECH = technology("generic")


def plain(branch: Branch) -> Branch:
    return branch


def network(flat: bool, channels: tuple[int, int], pe: tuple[int, int], simd: int) -> MapNetwork:
    """Two pointwise convolutions of so many channels beside each other on 9 positions, two classes behind."""
    branches = [
        lambda b, n=n, p=p: b.conv(n, (1, 1), (p, 4), output="uint2") for n, p in zip(channels, pe, strict=True)
    ]
    made = MapNetwork((4, 3, 3), "uint2", seed=1).concat(*branches, flat)
    made.dense(2, (2, simd), None)
    assert isinstance(made, MapNetwork)
    return made


def join_of(made: MapNetwork, quick: bool = False) -> JoinUnit:
    (join,) = (node.unit for node in made.folded().graph(TECH, quick=quick).nodes if isinstance(node.unit, JoinUnit))
    return join


def test_streams() -> None:
    """The fork's first stream goes through the first branch; each branch ends in a queue; the join takes both."""
    graph = network(False, (6, 4), (2, 4), 2).folded().graph(TECH)
    found = {node.name: (node.sources, node.sinks) for node in graph.nodes}
    assert found == {
        "layer0_concat0_fork": ((0,), (1, 2)),
        "layer1_concat0_first_conv0_width": ((1,), (3,)),
        "layer1_concat0_first_conv0": ((3,), (4,)),
        "layer2_concat0_second_conv0_width": ((2,), (5,)),
        "layer2_concat0_second_conv0": ((5,), (6,)),
        "layer0_concat0_first_buffer": ((4,), (7,)),
        "layer0_concat0_second_buffer": ((6,), (8,)),
        "layer0_concat0_second_width": ((8,), (9,)),
        "layer0_concat0": ((7, 9), (10,)),
        "layer3_dense1": ((10,), (11,)),
        "output": ((11,), (12,)),
    }


@pytest.mark.parametrize(
    "flat, turns",
    [
        # Channels of a position, of either branch in turn; or all that a branch has, then all of the other.
        (False, (6, 4)),
        (True, (9 * 6, 9 * 4)),
    ],
)
def test_turns(flat: bool, turns: tuple[int, int]) -> None:
    join = join_of(network(flat, (6, 4), (2, 4), 2))
    assert (join.one.group, join.two.group) == turns
    assert (join.outputs[0].group, join.outputs[0].frame) == (sum(turns), 90)
    assert str(join.dtype) == "uint2"


@pytest.mark.parametrize(
    "simd, lanes",
    [
        # Of 12 and 8 channels 1, 2 or 4 side by side: a frame is 180 words, 90, or 45. The layer behind takes 180, 90
        # or 60 cycles, and 36 where the convolutions take 54.
        (1, 1),
        (2, 2),
        (3, 4),
        (5, 4),
        # No more than what divides both.
        (180, 4),
    ],
)
def test_lanes(simd: int, lanes: int) -> None:
    """The least with which the join is no slower than the slowest matrix."""
    assert join_of(network(False, (12, 8), (2, 4), simd)).lanes == lanes


def test_results_are_the_winners_unless_all_are_wanted() -> None:
    folded = network(False, (6, 4), (2, 4), 2).folded()
    foldings = {layer.name: folding for layer, folding in zip(folded.layers, folded.foldings, strict=True)}
    assert lower(folded.network, foldings, TECH) == folded.graph(TECH)
    assert lower(folded.network, foldings, TECH).result.scores == 0
    assert lower(folded.network, foldings, TECH, scores=True).result.scores == 2


@pytest.mark.parametrize("flat", [False, True])
def test_queues_cost_no_cycle(flat: bool) -> None:
    """A branch of a wide window beside none at all: results come as fast as the slowest unit alone gives them."""
    made = MapNetwork((4, 4, 4), "uint2").concat(
        lambda b: b.conv(6, (3, 3), (3, 4), padding=(1, 1, 1, 1), output="uint2"), plain, flat
    )
    made.quantize().dense(2, (1, 2), None)
    assert isinstance(made, MapNetwork)
    graph = made.folded().graph(TECH)
    depths = [node.unit.depth for node in graph.nodes if isinstance(node.unit, BufferUnit)]
    assert len(depths) == 2
    assert settle(graph).per_frame == max(node.unit.interval for node in graph.nodes)
    guesses = [n.unit.depth for n in made.folded().graph(TECH, quick=True).nodes if isinstance(n.unit, BufferUnit)]
    # 16 positions. Of the first branch's 2 words each 4 positions wait, and a turn; of the second's 4 words each, as
    # many again and what a window waits for, a row and three quarters of one in four.
    assert guesses == [4 * 2 + 2, 4 * 4 + 64 * 7 // 16 + 4]
