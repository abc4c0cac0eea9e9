"""What is simulated of thresholds."""

from __future__ import annotations

import random

import numpy as np

from bnnhw.ir import DataType
from bnnhw.rtl.threshold import Threshold, pack_thresholds
from rtl_tests.case import FreeUnit
from rtl_tests.free_running import Stimulus, integers

__all__ = ["UNITS"]


def _threshold() -> FreeUnit:
    span, dtype = (-9, 13), DataType.parse("int2")
    width = 5  # Of the values, in two's complement.

    def stimulus(rng: random.Random, cycles: int) -> Stimulus:
        values = [rng.randint(*span) for _ in range(cycles)]
        rows = [sorted(rng.randint(span[0], span[1] + 1) for _ in range(3)) for _ in range(cycles)]
        levels = [sum(v >= t for t in row) for v, row in zip(values, rows, strict=True)]
        packed = pack_thresholds(np.array(rows), span)
        return {
            "value": [v & ((1 << width) - 1) for v in values],
            "thresholds": integers(packed),
            "_code": dtype.codes(np.array(levels)).tolist(),
        }

    def expected(stimulus: Stimulus) -> list[int | None]:
        return [None, None, *stimulus["_code"][:-2]]

    return FreeUnit("threshold", lambda: Threshold(span, dtype), stimulus, expected, "code")


UNITS = (_threshold(),)
