"""What is simulated of popcounts."""

from __future__ import annotations

import random

from bnnhw.devices import technology
from bnnhw.rtl.popcount import Popcount
from bnnhw.rtl.popcount_plan import plan
from rtl_tests.case import FreeUnit
from rtl_tests.free_running import Stimulus, late

__all__ = ["UNITS"]

_ECP5 = technology("ecp5")
"""The technology whose datapaths take the most cycles, so with lanes that are due late."""


def _popcount(lanes: int) -> FreeUnit:
    p = plan(lanes, _ECP5)

    def stimulus(rng: random.Random, cycles: int) -> Stimulus:
        # Words are kept beside the ports' values, under names that are no ports.
        words = {name: [rng.getrandbits(lanes) for _ in range(cycles)] for name in ("_x", "_w")}
        # All lanes alike, all different: the ends of the range.
        words["_w"][10], words["_w"][11] = words["_x"][10], words["_x"][11] ^ ((1 << lanes) - 1)
        return {
            **words,
            "x": late(words["_x"], p.lane_stages, rng),
            "w": late(words["_w"], p.lane_stages, rng),
        }

    def expected(stimulus: Stimulus) -> list[int | None]:
        counts = [lanes - (x ^ w).bit_count() for x, w in zip(stimulus["_x"], stimulus["_w"], strict=True)]
        return [None] * p.latency + counts[: len(counts) - p.latency]

    return FreeUnit("popcount", lambda: Popcount(lanes, _ECP5), stimulus, expected, "count")


UNITS = (_popcount(37),)
