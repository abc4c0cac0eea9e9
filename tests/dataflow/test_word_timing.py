"""When words move through pipelines that hold them in place."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bnnhw.dataflow.flow import Link, Run, Timeline, source
from bnnhw.dataflow.word_timing import StageTiming


def sink(link: Link, ready: Sequence[int]) -> Run:
    """Takes each word from a cycle of its own on."""
    for cycle in ready:
        yield from link.take(cycle)


@pytest.mark.parametrize(
    ("stages", "ready", "accepted", "taken"),
    [
        (1, (0, 0, 0, 0), (0, 1, 2, 3), (1, 2, 3, 4)),
        (3, (0, 0, 0, 0), (0, 1, 2, 3), (3, 4, 5, 6)),
        # The place of a word that is taken is taken in the same cycle.
        (1, (5, 5, 9, 9), (0, 5, 6, 9), (5, 6, 9, 10)),
        # Stages fill up, and stand still until the first word is taken.
        (3, (10, 10, 10, 20), (0, 1, 2, 10), (10, 11, 12, 20)),
    ],
)
def test_stages(stages: int, ready: Sequence[int], accepted: Sequence[int], taken: Sequence[int]) -> None:
    before, behind, timing = Link(), Link(), StageTiming(1, stages)
    runs = [
        (timing.flow(before, behind, len(ready)), (before, behind)),
        (source(before, len(ready)), (before,)),
        (sink(behind, ready), (behind,)),
    ]
    Timeline(runs).finish()
    assert (tuple(before.taken), tuple(behind.taken)) == (tuple(accepted), tuple(taken))
    assert (timing.interval, timing.latency) == (1, stages)


def test_gaps_stay() -> None:
    """A gap between two words is not closed while the first of them waits: the stages stand still as a whole."""
    before, behind, timing = Link(), Link(), StageTiming(1, 3)

    def late() -> Run:
        for cycle in (0, 2, 20):
            before.offer(cycle)
        yield from ()

    runs = [
        (timing.flow(before, behind, 3), (before, behind)),
        (late(), (before,)),
        (sink(behind, (9, 0, 0)), (behind,)),
    ]
    Timeline(runs).finish()
    assert before.taken == [0, 2, 20]
    # The first is offered in 3 and waits until 9: so long the second waits too, one stage before the end.
    assert (behind.offered, behind.taken) == ([3, 11, 23], [9, 11, 23])
