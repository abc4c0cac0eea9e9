"""Lets the flow models of an accelerator's units work against each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from bnnhw.folding.flow import Deadlock, Link, Run

__all__ = ["Timeline"]


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
        users: dict[int, list[int]] = {}
        for number, (_, links) in enumerate(units):
            for link in links:
                users.setdefault(id(link), []).append(number)
        # A unit is among the users it wakes: one of its parts may wait for what another one moved.
        self._touched = [[(link, users[id(link)]) for link in links] for _, links in units]
        self._seen = {id(link): 0 for _, links in units for link in links}
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
            for touched, users in self._touched[number]:
                moves = len(touched.offered) + len(touched.taken)
                if moves != seen[id(touched)]:
                    seen[id(touched)] = moves
                    for user in users:
                        if not queued[user]:
                            queued[user] = True
                            queue.append(user)
