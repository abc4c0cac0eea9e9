"""What a graph refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.resources import Resources
from bnnhw.devices import technology
from tests.layers import random_network


def test_ends_of_a_stream_that_differ() -> None:
    graph = random_network(3).graph(technology("generic"))
    form = graph.input
    for other in (
        StreamFormat(form.lanes, form.bits + 1, form.group, form.frame),
        StreamFormat(form.lanes, form.bits, form.group, form.frame + form.group),
    ):
        with pytest.raises(ValueError, match=f"must be given words of {form.width} bits, {form.words} per frame"):
            replace(graph, input=other)


def test_a_stream_that_nobody_takes() -> None:
    graph = random_network(3).graph(technology("generic"))
    with pytest.raises(ValueError, match="not left over"):
        replace(graph, nodes=graph.nodes[:-1])
    with pytest.raises(ValueError, match="not left over"):
        replace(graph, output=graph.output + 1)


def test_resources_are_those_of_all_units() -> None:
    graph = random_network(3).graph(technology("ice40"))
    due = Resources(0, 0, 0)
    for node in graph.nodes:
        due += node.unit.resources(graph.technology)
    assert graph.resources() == due
    assert due.lut4 > 0


@pytest.mark.parametrize("seed", range(8))
def test_frames_of_a_unit(seed: int) -> None:
    """A unit that works several times per frame takes so many intervals; others work once."""
    for node in random_network(seed).graph(technology("generic")).nodes:
        unit = node.unit
        assert unit.interval == unit.repeats * unit.timing.interval
        words = unit.inputs[0].words
        assert words % unit.repeats == 0
