"""The steady state of an accelerator: the flow models of its units against each other until results come evenly."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from bnnhw.dataflow.flow import Link, Timeline, sink, source
from bnnhw.dataflow.graph import Graph

__all__ = ["LONGEST_PERIOD", "SETTLED", "Throughput", "first_result", "settle"]

SETTLED = 3
"""Equal distances between results, or rounds of equal distances, that are taken for the steady state."""

LONGEST_PERIOD = 8
"""Frames of a round at most. Where several frames share the weights that are read, results come in such rounds."""

MOST_FRAMES = 64
"""Frames followed where distances do not repeat in short rounds."""


@dataclass(frozen=True)
class Throughput:
    """What became of an accelerator let loose on its own from reset on.

    Parameters
    ----------
    latency : int
        From the first input word taken to the first result offered.
    per_frame : int
        Between two results in steady state.
    frames : int
        How many were followed.
    links : tuple of Link
        Every stream, by number; up to the last result followed and whatever had moved by then.
    """

    latency: int
    per_frame: int
    frames: int
    links: tuple[Link, ...]


def first_result(graph: Graph) -> int:
    """Cycles from the first input word taken to the first result offered, of a frame that meets an empty accelerator.

    Raises
    ------
    Deadlock
        When the frame does not get through.
    """
    links, timeline = _let_loose(graph, 1)
    timeline.until(links[graph.output], 1)
    return links[graph.output].offered[0] - links[0].taken[0]


def _let_loose(graph: Graph, frames: int) -> tuple[tuple[Link, ...], Timeline]:
    """All units of a graph against each other, in an environment that never waits."""
    links = tuple(Link() for _ in range(graph.streams))
    runs = [node.flow(links, frames) for node in graph.nodes]
    runs.append((source(links[0], frames * graph.input.words), (links[0],)))
    runs.append((sink(links[graph.output], frames), (links[graph.output],)))
    return links, Timeline(runs)


def settle(graph: Graph) -> Throughput:
    """Follow frames from an empty accelerator on, in an environment that never waits, until results come steadily.

    No frame takes less than the slowest unit's interval, so shorter distances can't be the last word. Distances that
    repeat in rounds of a few frames count as their mean, rounded up.

    Raises
    ------
    Deadlock
        When no frame gets through.
    """
    links, timeline = _let_loose(graph, MOST_FRAMES)
    results = links[graph.output]
    bound = max(node.unit.interval for node in graph.nodes)
    # The first vectors go through units that share weight words one by one, at an even and slower pace.
    warm_up = ceil(sum(node.unit.warm_up for node in graph.nodes))
    frames = 0
    per_frame = 0
    while frames < MOST_FRAMES:
        frames += 1
        timeline.until(results, frames)
        if found := _repeated(results.offered[warm_up:frames], bound):
            per_frame = found
            break
    else:
        half = frames // 2
        per_frame = -(-(results.offered[frames - 1] - results.offered[half - 1]) // half)
    return Throughput(results.offered[0] - links[0].taken[0], per_frame, frames, links)


def _repeated(offered: list[int], bound: int) -> int:
    """Mean distance of results that have come in equal rounds of late, rounded up; 0 where they have not."""
    for period in range(1, min(LONGEST_PERIOD, (len(offered) - 1) // SETTLED) + 1):
        last = offered[-SETTLED * period - 1 :]
        whole = last[-1] - last[-1 - period]
        if whole >= period * bound and all(b - a == whole for a, b in zip(last, last[period:], strict=False)):
            return -(-whole // period)
    return 0
