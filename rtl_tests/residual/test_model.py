"""How deep the queue beside a body must be."""

from __future__ import annotations

from bnnhw.dataflow.queues import deadlock_free_depth


def test_deadlock_free_depth() -> None:
    assert deadlock_free_depth([1, 2, 3]) == 1
    assert deadlock_free_depth([4, 5, 6, 6, 6, 6]) == 3
    # A window of three rows and a pool that takes two positions for one are alike: what counts is who needs how many.
    assert deadlock_free_depth([2, 6, 6, 8]) == 4
