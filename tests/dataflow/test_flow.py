"""The scheduler of flow models against the plainest one there is, on the units of random accelerators."""

from __future__ import annotations

import random

import pytest

from bnnhw.dataflow.flow import Deadlock, Link, Run, Timeline, output_queue, sink, source, together
from bnnhw.devices import technology
from tests.layers import random_network

FRAMES = 6
SEEDS = range(24)


def chain_at_work(seed: int) -> tuple[list[tuple[Run, tuple[Link, ...]]], list[Link], Link]:
    """The units of an accelerator and its surroundings, all streams, and the last of them."""
    units = random_network(seed).graph(technology("generic"))
    links = [Link() for _ in range(units.streams)]
    runs = [node.flow(links, FRAMES) for node in units.nodes]
    runs.append((source(links[0], FRAMES * units.input.words), (links[0],)))
    runs.append((sink(links[units.output], FRAMES), (links[units.output],)))
    return runs, links, links[units.output]


def moves_of_plain_scheduler(seed: int) -> list[Link]:
    """Every unit is resumed again and again, whether anything moved or not."""
    units, links, _ = chain_at_work(seed)
    waiting = [run for run, _ in units]
    while waiting:
        waiting = [run for run in waiting if next(run, waiting) is not waiting]
    return links


@pytest.mark.parametrize("seed", SEEDS)
def test_every_cycle_is_that_of_the_plain_scheduler(seed: int) -> None:
    due = moves_of_plain_scheduler(seed)
    units, links, results = chain_at_work(seed)
    Timeline(units).finish()
    assert [(link.offered, link.taken) for link in links] == [(link.offered, link.taken) for link in due]
    units, links, results = chain_at_work(seed)
    timeline = Timeline(units)
    for frames in range(1, FRAMES + 1):
        timeline.until(results, frames)
        assert len(results.taken) >= frames
    assert results.offered == due[-1].offered
    # Words that no result waits for may not have moved yet.
    for link, other in zip(links, due, strict=True):
        assert link.offered == other.offered[: len(link.offered)]
        assert link.taken == other.taken[: len(link.taken)]


def test_a_part_wakes_the_parts_behind_it_and_before() -> None:
    """What moves on a link inside a unit resumes the part that stands before the one that moved it."""
    inner, outer = Link(), Link()

    def last() -> Run:
        yield from inner.take(5)
        outer.offer((yield from inner.taken_at(0)) + 1)

    def first() -> Run:
        inner.offer(3)
        yield from inner.taken_at(0)

    Timeline([(together(last(), first()), (inner, outer)), (sink(outer, 1), (outer,))]).finish()
    assert (inner.taken, outer.taken) == ([5], [6])


def test_output_queue() -> None:
    """A word is shown a pipeline's depth after it was begun, or in the cycle after the one before was taken."""
    link = Link()

    def consumer() -> Run:
        for cycle in (0, 9, 0, 0, 30):
            yield from link.take(cycle)

    Timeline([(output_queue(link, [0, 1, 2, 3, 20], 5, 4), (link,)), (consumer(), (link,))]).finish()
    assert link.offered == [4, 5, 10, 11, 24]
    assert link.taken == [4, 9, 10, 11, 30]
    wires = Link()
    Timeline([(output_queue(wires, [0, 5], 2, 0), (wires,)), (sink(wires, 2), (wires,))]).finish()
    assert wires.offered == [0, 5]


def test_ends_of_a_stream_move_a_word_per_cycle() -> None:
    link = Link()
    Timeline([(source(link, 4), (link,)), (sink(link, 4), (link,))]).finish()
    assert link.offered == link.taken == [0, 1, 2, 3]


def test_deadlock() -> None:
    """Units that are done do not count; words that moved stay."""
    one, other = Link(), Link()
    units = ((source(one, 2), (one,)), (sink(one, 3), (one,)), (sink(other, 1), (other,)))
    with pytest.raises(Deadlock, match=r"^2 units wait for each other$"):
        Timeline(units).finish()
    assert one.taken == [0, 1]
    timeline = Timeline([(source(one := Link(), 2), (one,)), (sink(one, 3), (one,))])
    timeline.until(one, 2)
    with pytest.raises(Deadlock, match=r"^units wait for each other after 2 of 3 words$"):
        timeline.until(one, 3)


def test_what_is_not_known_to_come_before_a_cycle_does_not() -> None:
    """A consumer of what is there takes two words at once where both are, and one where another comes never, or late.

    Two of them ask about one another: the earliest question is answered first.
    """

    def consumer(link: Link, words: int, groups: list[tuple[int, int]]) -> Run:
        cycle, first = 0, 0
        while first < words:
            cycle = max(cycle, (yield from link.taken_at(first)) + 1)
            both = first + 1 < words and (yield from link.taken_before(first + 1, cycle))
            groups.append((cycle, 1 + both))
            first, cycle = first + 1 + both, cycle + 5

    def accepting(link: Link, words: int) -> Run:
        for _ in range(words):
            yield from link.take(0)

    def arrivals(link: Link, cycles: list[int]) -> Run:
        for cycle in cycles:
            link.offer(cycle)
        yield from ()

    def after(groups: list[tuple[int, int]], link: Link, words: int) -> Run:
        """Gives a word in the cycle after each of another one's groups."""
        for word in range(words):
            while len(groups) <= word:
                yield
            link.offer(groups[word][0] + 1)

    one, other = Link(), Link()
    groups: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    Timeline(
        [
            (together(accepting(one, 5), consumer(one, 6, groups[0]), after(groups[0], other, 4)), (one, other)),
            (together(accepting(other, 4), consumer(other, 4, groups[1])), (other,)),
            (arrivals(one, [0, 3, 4, 20, 21]), (one,)),
        ]
    )._work((), 1)
    # The sixth word never comes.
    assert groups[0] == [(1, 1), (6, 2), (21, 1), (26, 1)]
    assert groups[1] == [(3, 1), (8, 1), (23, 1), (28, 1)]


@pytest.mark.parametrize("seed", range(8))
def test_words_may_be_given_ahead(seed: int) -> None:
    """They are shown in the cycles in which a producer shows them that waits until each before is taken."""
    rng = random.Random(seed)
    begun = [rng.randrange(60) for _ in range(40)]
    ready = [rng.randrange(60) for _ in begun]

    def waits(link: Link) -> Run:
        after = 0
        for word, cycle in enumerate(begun):
            link.offer(max(cycle, after))
            after = (yield from link.taken_at(word)) + 1

    def ahead(link: Link) -> Run:
        for cycle in begun:
            link.offer(cycle)
            if rng.random() < 0.3:
                yield from link.taken_at(rng.randrange(len(link.given)))

    def consumer(link: Link) -> Run:
        for cycle in ready:
            yield from link.take(cycle)

    links = Link(), Link()
    for producer, link in zip((waits, ahead), links, strict=True):
        Timeline([(producer(link), (link,)), (consumer(link), (link,))]).finish()
    assert links[0].offered == links[1].offered
    assert links[0].taken == links[1].taken
    assert links[1].given == begun
