"""How deep the queues of residual layers must be.

A residual layer's body swallows words before it gives the first (a line buffer fills), and the sum waits for it; the
shortcut's words must wait somewhere meanwhile, or the fork stops, and with it the body: fork and sum would wait for
each other for ever. The flow models are run with queues that are never full, from reset until results come steadily.
The depth is the most words that a queue then held at once: the least with which no word moves in a later cycle than
with an unlimited one. So these queues cost no cycle, in latency or in pace.

They suffice whatever stalls come from outside. Every unit waits only for words and for places, which are used up by
it alone and decided by counts, never by data or by which came first: the accelerator is a marked graph. In a marked
graph no move can ever take away another's possibility, so if one order of moves leads a frame from an empty accelerator
to an empty one, then every order does (the counts of moves are the same in all), and stalls only choose an order. The
run with these depths is that order: all its frames get through, and a run that got stuck would be refused here.
Units of which several vectors share a weight word decide by what is there, and are no part of a marked graph; that the
depths suffice with them too is shown in ``docs/decisions/0021-vectors-share-weight-words.md``.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["UNLIMITED", "deadlock_free_depth", "full_speed_depth"]

UNLIMITED = 1 << 40
"""Depth of a queue that is never full."""


def full_speed_depth(accepted: Sequence[int], taken: Sequence[int]) -> int:
    """The least depth of a queue in memory that never slows its producer down, so at least 3.

    With it every word moves in the very cycles in which it does with a queue of any greater depth.

    Parameters
    ----------
    accepted, taken : sequence of int
        When a queue deep enough for all of them accepted its words, and when these were taken.
    """
    moved = [max(cycle + 1, taken[word - 1] if word else 0) for word, cycle in enumerate(accepted)]
    places, first = 2, 0
    # A word needs the place of the one `places` before it, which must have moved on in an earlier cycle.
    for word, cycle in enumerate(accepted):
        while first < word and moved[first] < cycle:
            first += 1
        places = max(places, word - first + 1)
    return places + 1


def deadlock_free_depth(needed: Sequence[int]) -> int:
    """The least depth of the queue beside a body with which fork and join can't wait for each other for ever.

    While the sum waits for word ``w`` the queue holds words ``w .. w + depth - 1``, and the fork shows the body one
    more: ``w + depth + 1`` words in all, from the stream's first. That must be what the body needs.

    Parameters
    ----------
    needed : sequence of int
        For each word that leaves the body, how many words must have entered it. The queue takes a word and gives a
        word for each.

    Returns
    -------
    int
        At least 1. A queue in which a word waits that is needed at once, as when nothing is swallowed, has depth 1.
    """
    return max(1, *(count - word - 1 for word, count in enumerate(needed)))
