"""When every word of every stream moves: the mechanism behind the exact cycle model.

Each unit describes itself by a generator that reads and writes *links*, streams of words of which only the cycles are
known. A unit's decisions depend on cycles alone, never on data, so the words of a frame move in the same cycles in
every frame that meets the same state, and the description is exact for any network of units: chains, forks and joins.

A word is *offered* in the first cycle its producer shows it, and *taken* in the cycle its consumer accepts it (valid
and ready both high). The cycle in which a consumer would be ready follows from what it did before; so::

    taken[i] = max(offered[i], ready[i])

A unit's generator asks its links for what it needs and is resumed when that is known. When no generator can go on and
some are not done, the units wait for each other: a deadlock, and since nothing depends on data, one in hardware too.

A unit may also ask whether a word is taken before a certain cycle (:meth:`Link.taken_before`), as one does that takes
what is there. The answer may be no although nobody knows when the word comes, if ever. So when no generator can go on,
the earliest such question is answered: whatever is not known yet follows from the answers, each of which moves
something in the cycle asked about at the earliest, so nothing unknown happens before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from typing import TypeAlias

__all__ = ["Deadlock", "Link", "Run", "Timeline", "output_queue", "sink", "source", "together"]

Run: TypeAlias = Generator[None, None, None]
"""A unit at work: yields while what it waits for is not known yet."""


AHEAD = 1024
"""Words that the environment gives before any is taken: enough that it is seldom asked for more."""

DONE = object()
"""What a unit that has no more to do gives."""


class Deadlock(Exception):
    """Units wait for each other for ever."""


class Link:
    """One stream between a producer and a consumer: the cycles in which its words are offered and taken."""

    def __init__(self) -> None:
        self.given: list[int] = []
        """The cycle before which the producer does not show each word; it may be far ahead of the consumer."""
        self.offered: list[int] = []
        """The cycle from which each word is shown: the one after that in which the word before it was taken, at least.
        Of the first word that is not taken that is known too."""
        self.taken: list[int] = []
        self.question: int | None = None
        """The cycle before which somebody wants to know whether a word is taken, while that is not known."""
        self.settled = 0
        """No word that is not in :attr:`taken` is taken before this cycle."""

    def offer(self, cycle: int) -> None:
        """The producer shows its next word from ``cycle`` on, or as soon as the words before it are taken."""
        self.given.append(cycle)
        if len(self.given) == len(self.taken) + 1:
            self.offered.append(max(cycle, self.taken[-1] + 1) if self.taken else cycle)

    def take(self, ready: int) -> Generator[None, None, int]:
        """The consumer is ready for its next word from ``ready`` on: returns the cycle in which it takes it."""
        while len(self.given) <= len(self.taken):
            yield
        return self.accept(ready)

    def accept(self, ready: int) -> int:
        """The same, where a word is known to come (:attr:`given`): a step of its own less in long loops."""
        given, offered, taken = self.given, self.offered, self.taken
        cycle = offered[-1]
        if cycle < ready:
            cycle = ready
        taken.append(cycle)
        word = len(taken)
        if len(given) > word:
            after = given[word]
            offered.append(after if after > cycle else cycle + 1)
        return cycle

    def taken_at(self, word: int) -> Generator[None, None, int]:
        """The cycle in which word number ``word`` (from 0, over all frames) is taken; for the producer."""
        while len(self.taken) <= word:
            yield
        return self.taken[word]

    def taken_before(self, word: int, cycle: int) -> Generator[None, None, bool]:
        """Whether word number ``word`` is taken before ``cycle``; for a consumer that does nothing until then."""
        while len(self.taken) <= word and self.settled < cycle:
            self.question = cycle
            yield
        self.question = None
        return len(self.taken) > word and self.taken[word] < cycle


def together(*parts: Run) -> Run:
    """A unit made of parts that go on independently, as its two ends do: a wait of one does not hold up the others.

    What a part tells another one otherwise than by a link must be told to one behind it in the order given, or move a
    link in the same step: :class:`Timeline` sees links only.
    """
    waiting = [part for part in parts if next(part, DONE) is not DONE]
    while waiting:
        yield
        waiting = [part for part in waiting if next(part, DONE) is not DONE]


def source(link: Link, words: int) -> Run:
    """The environment in front: shows a word in every cycle in which it may."""
    for word in range(words):
        if word >= AHEAD:
            yield from link.taken_at(word - AHEAD)
        link.offer(0)


def sink(link: Link, words: int) -> Run:
    """The environment behind: takes every word at once."""
    for _ in range(words):
        yield from link.take(0)


def output_queue(sink: Link, begun: list[int], words: int, depth: int) -> Run:
    """A pipeline's output queue: a word is offered ``depth`` cycles after it was begun, once those before are taken."""
    for word in range(words):
        while len(begun) <= word:
            yield
        sink.offer(begun[word] + depth)


class Timeline:
    """Units at work, each resumed when something moved on one of its links. It can stop anywhere and go on later.

    Parameters
    ----------
    units : sequence of (Run, sequence of Link)
        Each unit and the links it reads or writes; of one made of parts (:func:`together`) those between them too.
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
            [(numbers[id(link)], link.given, link.taken, users[id(link)]) for link in links] for _, links in units
        ]
        self._links = [*{id(link): link for _, links in units for link in links}.values()]
        self._users = [users[id(link)] for link in self._links]
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
        self._work(link.taken, words)
        if len(link.taken) < words:
            raise Deadlock(f"units wait for each other after {len(link.taken)} of {words} words")

    def finish(self) -> None:
        """Work until all units are done.

        Raises
        ------
        Deadlock
            When those not done all wait.
        """
        self._work((), 1)
        waiting = sum(run is not None for run in self._runs)
        if waiting:
            raise Deadlock(f"{waiting} units wait for each other")

    def _work(self, taken: Sequence[int], words: int) -> None:
        """Work until ``taken`` is so long or no unit can go on."""
        queue, queued, seen = self._queue, self._queued, self._seen
        while len(taken) < words and (queue or self._answer()):
            number = queue.popleft()
            queued[number] = False
            run = self._runs[number]
            if run is None:
                continue
            if next(run, DONE) is DONE:
                self._runs[number] = None
            for touched, given, taken_there, users in self._touched[number]:
                moves = len(given) + len(taken_there)
                if moves != seen[touched]:
                    seen[touched] = moves
                    for user in users:
                        if not queued[user]:
                            queued[user] = True
                            queue.append(user)

    def _answer(self) -> bool:
        """Answer the earliest question, now that nobody can go on; whether there is one."""
        questions = [link.question for link in self._links if link.question is not None]
        if not questions:
            return False
        earliest = min(questions)
        for link, users in zip(self._links, self._users, strict=True):
            if link.question == earliest:
                link.question, link.settled = None, earliest
                self._queue.extend(user for user in users if not self._queued[user])
                for user in users:
                    self._queued[user] = True
        return True
