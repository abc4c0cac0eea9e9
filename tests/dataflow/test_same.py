"""What is kept about objects is found again by them, and never by another's."""

from __future__ import annotations

import gc

import numpy as np

from bnnhw.dataflow.same import Same


def test_identity_not_equality() -> None:
    one, other = np.ones(3), np.ones(3)
    kept = {Same(one): 1}
    assert kept[Same(one)] == 1
    assert Same(other) not in kept
    assert Same(one) != one


def test_it_stays_as_long_as_the_key() -> None:
    """A later object has no earlier one's address while something is kept about that."""
    kept = {Same([number]): number for number in range(100)}
    gc.collect()
    assert all(Same([number]) not in kept for number in range(100))
    assert all(key.one == [number] for key, number in kept.items())
