"""Lets the flow models of an accelerator's units work against each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.folding.flow import Deadlock, Link, Run, sink, source
from bnnhw.folding.stages import Chain

__all__ = ["SETTLED", "Cycles", "Timeline", "settle"]

SETTLED = 3
"""Equal distances between results, one after another, that are taken for the steady state."""

MOST_FRAMES = 64
"""Frames followed where distances do not become equal: those of a cycle of several frames never do."""


class Timeline:
    """Units at work, resumed only when something moved on one of their links.

    Gives the same cycles as :func:`bnnhw.folding.flow.run`, which resumes every unit again and again; with many units
    and words that takes the greater part of the time. And it can stop anywhere and go on later.

    Parameters
    ----------
    units : sequence of (Run, sequence of Link)
        Each unit and the links it reads or writes.
    """

    def __init__(self, units: Sequence[tuple[Run, Sequence[Link]]]) -> None:
        self._runs: list[Run | None] = [run for run, _ in units]
        numbers: dict[int, int] = {}
        users: dict[int, list[int]] = {}
        for number, (_, links) in enumerate(units):
            for link in links:
                numbers.setdefault(id(link), len(numbers))
                users.setdefault(id(link), []).append(number)
        # A unit is among the users it wakes: one of its parts may wait for what another one moved.
        self._touched = [
            [(numbers[id(link)], link.offered, link.taken, users[id(link)]) for link in links] for _, links in units
        ]
        self._seen = [0] * len(numbers)
        self._queue = deque(range(len(units)))
        self._queued = [True] * len(units)

    def until(self, link: Link, words: int) -> None:
        """Work until so many words of a link have been taken.

        Raises
        ------
        Deadlock
            When all units wait, or are done, before that.
        """
        queue, queued, seen = self._queue, self._queued, self._seen
        while len(link.taken) < words:
            if not queue:
                raise Deadlock(f"units wait for each other after {len(link.taken)} of {words} words")
            number = queue.popleft()
            queued[number] = False
            run = self._runs[number]
            if run is None:
                continue
            try:
                next(run)
            except StopIteration:
                self._runs[number] = None
            for touched, offered, taken, users in self._touched[number]:
                moves = len(offered) + len(taken)
                if moves != seen[touched]:
                    seen[touched] = moves
                    for user in users:
                        if not queued[user]:
                            queued[user] = True
                            queue.append(user)


@dataclass(frozen=True)
class Cycles:
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


def settle(units: Chain) -> Cycles:
    """Follow frames from an empty accelerator on, in an environment that never waits, until results come steadily.

    No frame takes less than the slowest unit's interval, so shorter distances can't be the last word. Distances that
    repeat every few frames count as their mean, rounded up.

    Raises
    ------
    Deadlock
        When no frame gets through.
    """
    links = tuple(Link() for _ in range(units.streams))
    runs = [stage.flow(links, MOST_FRAMES) for stage in units.stages]
    runs.append((source(links[0], MOST_FRAMES * units.input.words), (links[0],)))
    runs.append((sink(links[units.output], MOST_FRAMES), (links[units.output],)))
    timeline, results = Timeline(runs), links[units.output]
    bound = max(stage.interval for stage in units.stages)
    frames = 0
    per_frame = 0
    while frames < MOST_FRAMES:
        frames += 1
        timeline.until(results, frames)
        last = {b - a for a, b in zip(results.offered[-SETTLED - 1 :], results.offered[-SETTLED:], strict=False)}
        if frames > SETTLED and len(last) == 1 and min(last) >= bound:
            per_frame = min(last)
            break
    else:
        half = frames // 2
        per_frame = -(-(results.offered[-1] - results.offered[-1 - half]) // half)
    return Cycles(results.offered[0] - links[0].taken[0], per_frame, frames, links)
