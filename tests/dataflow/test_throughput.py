"""All units of an accelerator let loose on each other; against simulation in rtl_tests/accelerator/test_maps.py."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from bnnhw.dataflow.flow import Deadlock, Link, Run
from bnnhw.dataflow.graph import Graph, Node
from bnnhw.dataflow.throughput import settle
from bnnhw.devices import technology
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.folding.predict import predict
from bnnhw.lowering.builder import Builder
from bnnhw.units.buffer.model import BufferUnit
from bnnhw.units.width.model import WidthUnit
from rtl_tests.flow import random_arrivals, random_readiness, streams_of
from rtl_tests.streams import Driver, Monitor
from tests.build.networks import random_folded
from tests.layers import MapNetwork, random_network

TECH = technology("generic")
SEEDS = range(24)


def moves(units: Graph, frames: int, gap: float = 0.0, stall: float = 0.0, seed: int = 0) -> list[Link]:
    """Every stream's cycles in such traffic."""
    rng = random.Random(seed)
    words = frames * units.input.words
    driver = Driver([0] * words, arrivals=random_arrivals(rng, words, gap))
    return streams_of(units, driver, Monitor(frames, readiness=random_readiness(rng, stall, cycles=5000)), frames)


def with_queues(folded: FoldedNetwork, depths: Mapping[str, int]) -> Graph:
    """The graph with queues of these depths; those not named are never full."""
    foldings = {layer.name: folding for layer, folding in zip(folded.layers, folded.foldings, strict=True)}
    return Builder(folded.network, foldings, TECH, depths).graph()


def residual(shortcut: bool = False) -> FoldedNetwork:
    """A 3 x 3 convolution with padding beside nothing, or beside one of a single position."""
    network = MapNetwork((4, 6, 5), "int3")
    network.residual(
        lambda b: b.quantize().conv(4, (3, 3), (2, 4), padding=(1, 1, 1, 1), output=None),
        (lambda b: b.quantize("uint2").conv(4, (1, 1), (1, 2), output=None)) if shortcut else None,
    )
    network.quantize().dense(3, (1, 5), None)
    return network.folded()


def with_depths(folded: FoldedNetwork, change: int) -> tuple[Graph, dict[str, int]]:
    """The units with other depths of all their queues, and the depths that were derived."""
    queues = {s.name: s.unit for s in folded.graph(TECH).nodes if isinstance(s.unit, BufferUnit)}
    depths: Mapping[str, int] = {name: unit.depth for name, unit in queues.items()}
    return with_queues(folded, {name: depth + change for name, depth in depths.items()}), dict(depths)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_settled_stays(seed: int) -> None:
    """Distances are those found for many frames more; no unit is slower."""
    units = random_network(seed).graph(TECH)
    found = settle(units)
    links = moves(units, 30)
    offered = links[units.output].offered
    assert offered[0] - links[0].taken[0] == found.latency
    assert {b - a for a, b in zip(offered[found.frames - 4 :], offered[found.frames - 3 :], strict=False)} == {
        found.per_frame
    }
    assert found.per_frame >= max(node.unit.interval for node in units.nodes)


@pytest.mark.parametrize("folded", [residual(), residual(shortcut=True), *map(random_network, SEEDS)])
def test_derived_queues_cost_no_cycle(folded: FoldedNetwork) -> None:
    """What deriving the depths of queues shows is what the graph with these does: it is not followed again."""
    graph = folded.graph(TECH)
    found = settle(graph)
    queues = any(isinstance(node.unit, BufferUnit) for node in graph.nodes)
    assert graph.settled == ((found.latency, found.per_frame) if queues else None)
    assert (predict(graph).latency_cycles, predict(graph).cycles_per_frame) == (found.latency, found.per_frame)


def test_three_equal_distances_are_enough() -> None:
    """A chain of matrix layers runs at the interval of its slowest one from the first frame on: four are followed."""
    graph = random_folded([16, 8, 4], [(2, 8), (2, 4)]).graph(TECH)
    found = settle(graph)
    assert (found.per_frame, found.frames) == (8, 4)
    assert len(found.links) == graph.streams


class _Late(WidthUnit):
    """Wires that are not ready in their first cycles."""

    def flow(self, *links: Link, frames: int) -> Run:
        given, taken = links
        for word in range(frames * self.inputs[0].words):
            ready = yield from given.take(7 if word == 0 else 0)
            taken.offer(ready)
            yield from taken.taken_at(word)


def _behind(graph: Graph, kind: type[WidthUnit]) -> Graph:
    """A chain behind wires of such a kind."""
    wires = kind(graph.input.width, graph.input.width, graph.frame_bits)
    nodes = [replace(n, sources=(n.sources[0] + 1,), sinks=(n.sinks[0] + 1,)) for n in graph.nodes]
    return Graph(TECH, (Node("wires", "wires", wires, (0,), (1,)), *nodes), graph.input, graph.output + 1)


def test_latency_begins_when_the_first_word_is_taken() -> None:
    graph = random_folded([16, 8, 4], [(2, 8), (2, 4)]).graph(TECH)
    found = settle(_behind(graph, _Late))
    assert found.links[0].taken[0] == 7
    assert found.latency == settle(graph).latency


class _Limping(WidthUnit):
    """Wires that take 9 cycles for the words of one frame, and 12 for those of the next."""

    def cycles(self, frame: int) -> int:
        return (9, 12)[frame % 2]

    def flow(self, *links: Link, frames: int) -> Run:
        given, taken = links
        words, begins = self.inputs[0].words, 0
        for word in range(frames * words):
            frame, place = divmod(word, words)
            taken.offer((yield from given.take(begins if place == 0 else 0)))
            yield from taken.taken_at(word)
            begins += self.cycles(frame) * (place == words - 1)


class _Wandering(_Limping):
    """Wires of which no sequence of frames comes three times in a row: those of Thue and Morse."""

    def cycles(self, frame: int) -> int:
        return (9, 12)[frame.bit_count() % 2]


def test_distances_that_repeat_in_rounds_count_as_their_mean() -> None:
    """Three rounds of two frames, rounded up."""
    graph = random_folded([16, 8, 4], [(2, 8), (2, 4)]).graph(TECH)
    found = settle(_behind(graph, _Limping))
    offered = found.links[-1].offered
    assert {b - a for a, b in itertools.pairwise(offered)} == {9, 12}
    assert (found.per_frame, found.frames) == (11, 7)


def test_distances_that_never_repeat_count_as_their_mean() -> None:
    """Of the last 32 of 64 frames, rounded up."""
    graph = random_folded([16, 8, 4], [(2, 8), (2, 4)]).graph(TECH)
    found = settle(_behind(graph, _Wandering))
    offered = found.links[-1].offered
    assert {b - a for a, b in itertools.pairwise(offered)} == {9, 12}
    assert (found.per_frame, found.frames, len(offered)) == (11, 64, 64)


def test_frames_that_go_alone_at_first_are_not_the_steady_state() -> None:
    """Five layers take two frames at once; the first frames go through them one by one, at equal distances."""
    one = LayerFolding(2, 4, vectors=2)
    folded = random_folded([16] * 6, [(2, 4)] * 5)
    graph = FoldedNetwork(folded.network, (one,) * 5).graph(TECH)
    found = settle(graph)
    offered = found.links[-1].offered
    alone = [b - a for a, b in itertools.pairwise(offered)]
    assert alone[:4] == [4 * 8] * 4
    assert found.per_frame == 16
    assert sum(node.unit.warm_up for node in graph.nodes) == 10


class _Starting(_Limping):
    """Wires that take longer for their first frame."""

    def cycles(self, frame: int) -> int:
        return 9 if frame else 20


def test_the_first_distance_may_differ() -> None:
    """Three equal ones behind it are enough."""
    found = settle(_behind(random_folded([16, 8, 4], [(2, 8), (2, 4)]).graph(TECH), _Starting))
    assert (found.per_frame, found.frames) == (9, 5)


@pytest.mark.parametrize("shortcut", [False, True])
def test_depth_is_the_least_that_costs_no_cycle(shortcut: bool) -> None:
    folded = residual(shortcut)
    derived, depths = with_depths(folded, 0)
    assert derived == folded.graph(TECH)
    assert len(depths) == 1 + shortcut
    unlimited = moves(with_queues(folded, {}), 6)
    limited = moves(derived, 6)
    assert [(link.offered, link.taken) for link in limited] == [(link.offered, link.taken) for link in unlimited]
    for name, depth in depths.items():
        # 3 is the least depth of a queue in memory.
        if depth > 3:
            tight = moves(with_queues(folded, {**depths, name: depth - 1}), 6)
            assert [link.taken for link in tight] != [link.taken for link in unlimited]
    assert max(depths.values()) > 3


def test_too_little_depth_is_a_deadlock() -> None:
    """The body swallows a row and a half before it gives a word; a queue of 3 words stops the fork before."""
    folded = residual()
    (name,) = with_depths(folded, 0)[1]
    with pytest.raises(Deadlock, match=r"^units wait for each other after 0 of 1 words$"):
        settle(with_queues(folded, {name: 3}))


@pytest.mark.parametrize("seed", range(12))
def test_no_stalls_make_a_deadlock(seed: int) -> None:
    """Gaps and stalls of any kind: every frame gets through, whatever waits for whatever."""
    for folded in (residual(), residual(shortcut=True)):
        units = folded.graph(TECH)
        rng = random.Random(seed)
        links = moves(units, 5, gap=rng.choice((0.0, 0.5, 0.95)), stall=rng.choice((0.0, 0.6, 0.97)), seed=seed)
        assert len(links[units.output].taken) == 5
