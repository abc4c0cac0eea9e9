"""Layouts of streams, against the words counted one by one."""

from __future__ import annotations

import itertools

import pytest

from bnnhw.dataflow.format import ResultFormat, StreamFormat
from bnnhw.dataflow.frame import Frame
from bnnhw.devices import technology
from tests.layers import random_network

SHAPES = [(lanes, group, groups) for lanes, group, groups in itertools.product((1, 2, 3, 8), (1, 2, 6, 7), (1, 3))]


@pytest.mark.parametrize(("lanes", "group", "groups"), SHAPES)
def test_words(lanes: int, group: int, groups: int) -> None:
    """A group is cut into words; none holds elements of two groups."""
    form = StreamFormat(lanes, 3, group, group * groups)
    words = [range(start, min(start + lanes, group)) for start in range(0, group, lanes)]
    assert form.width == 3 * lanes
    assert form.groups == groups
    assert form.group_words == len(words)
    assert form.words == groups * len(words)
    assert form.gapless == all(len(word) == lanes for word in words)


def test_whole_words() -> None:
    form = StreamFormat.whole_words(4, 2, 5)
    assert (form.lanes, form.bits, form.group, form.frame) == (4, 2, 4, 20)
    assert (form.width, form.words, form.gapless) == (8, 5, True)


def test_result() -> None:
    """The class and its score; those of all classes above them where they are wanted."""
    form = ResultFormat(4, 9, True)
    assert form.fields == (("index", 4, False), ("score", 9, True))
    assert (form.width, form.words) == (13, 1)
    assert form == Frame(12, 1, 4, 3, 4, 9, True).result
    every = ResultFormat(4, 9, True, 3)
    assert every.fields[2:] == (("score_0", 9, True), ("score_1", 9, True), ("score_2", 9, True))
    assert every.width == 13 + 3 * 9


@pytest.mark.parametrize("seed", range(6))
def test_frame(seed: int) -> None:
    folded = random_network(seed)
    graph = folded.graph(technology("generic"))
    frame, spec, classes = Frame.of(graph), folded.network.input, folded.network.output.classes
    assert (frame.elements, frame.element_bits) == (spec.elements, spec.dtype.bits)
    assert frame.bits == graph.frame_bits == spec.elements * spec.dtype.bits
    assert frame.words * frame.word_bits >= frame.bits
    assert frame.index_bits == max(1, (classes - 1).bit_length())
    assert frame.result == graph.result
    assert graph.streams == graph.output + 1
