"""Sums of what is needed, and logic cells."""

from __future__ import annotations

from bnnhw.dataflow.resources import NOTHING, Resources


def test_sums() -> None:
    one, other = Resources(1, 20, 300, 2, 5), Resources(4000, 500, 60)
    assert one + other == Resources(4001, 520, 360, 2, 5)
    assert Resources.total([one, other, one]) == Resources(4002, 540, 660, 4, 10)
    assert Resources.total([]) == NOTHING == Resources(0, 0, 0)


def test_cells() -> None:
    """With a LUT4 in them, or without."""
    assert Resources(100, 40, 3, lone=25).cells == 125
    due = {"lut4": 100, "ff": 40, "cells": 125, "bram": 3, "spram": 2}
    assert Resources(100, 40, 3, 2, 25).as_dict() == due
