"""The free-running parts: popcount, threshold, processing element."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bnnhw.devices import technology
from bnnhw.rtl.popcount_plan import plan
from bnnhw.folding.pipeline import MvuTiming
from bnnhw.rtl.popcount import Popcount
from bnnhw.units.mvu.processing_element import ProcessingElement
from bnnhw.rtl.threshold import Threshold, pack_thresholds
from bnnhw.ir import DataType
from rtl_tests.bench import FreeUnit

__all__ = ["UNITS"]

_ECP5 = technology("ecp5")
"""Of the datapaths the one with the most cycles, so with lanes that are due late."""

Stimulus = dict[str, list[int]]


def _late(words: list[int], stages: tuple[int, ...], rng: random.Random) -> list[int]:
    """Each lane of a sequence of words as many cycles later as its stage says; before that, anything."""
    late = []
    for t in range(len(words)):
        bits = [(words[t - s] >> lane) & 1 if t >= s else rng.getrandbits(1) for lane, s in enumerate(stages)]
        late.append(sum(bit << lane for lane, bit in enumerate(bits)))
    return late


def _integers(rows: NDArray[np.uint8]) -> list[int]:
    """Rows of bits, the lowest first, as numbers."""
    return [int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little") for row in rows]


def _popcount(lanes: int) -> FreeUnit:
    p = plan(lanes, _ECP5)

    def stimulus(rng: random.Random, cycles: int) -> Stimulus:
        # Words are kept beside the ports' values, under names that are no ports.
        words = {name: [rng.getrandbits(lanes) for _ in range(cycles)] for name in ("_x", "_w")}
        # All lanes alike, all different: the ends of the range.
        words["_w"][10], words["_w"][11] = words["_x"][10], words["_x"][11] ^ ((1 << lanes) - 1)
        return {
            **words,
            "x": _late(words["_x"], p.lane_stages, rng),
            "w": _late(words["_w"], p.lane_stages, rng),
        }

    def expected(stimulus: Stimulus) -> list[int | None]:
        counts = [lanes - (x ^ w).bit_count() for x, w in zip(stimulus["_x"], stimulus["_w"], strict=True)]
        return [None] * p.latency + counts[: len(counts) - p.latency]

    return FreeUnit("popcount", lambda: Popcount(lanes, _ECP5), stimulus, expected, "count")


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
            "thresholds": _integers(packed),
            "_code": dtype.codes(np.array(levels)).tolist(),
        }

    def expected(stimulus: Stimulus) -> list[int | None]:
        return [None, None, *stimulus["_code"][:-2]]

    return FreeUnit("threshold", lambda: Threshold(span, dtype), stimulus, expected, "code")


def _element() -> FreeUnit:
    """Neurons of random length over two input planes, with words that do not count in between."""
    simd, planes, span = 7, ((1, 0, 0), (2, 1, 0)), (0, 3 * 7 * 6)
    pipeline = MvuTiming(6, 1, 1, plan(simd, _ECP5).latency, 1, 1, 1)
    lag = pipeline.count + pipeline.combine - 1
    make: Callable[[], ProcessingElement] = lambda: ProcessingElement(  # noqa: E731
        simd, planes, span, DataType("bipolar", 1), pipeline, _ECP5
    )

    def stimulus(rng: random.Random, cycles: int) -> Stimulus:
        stages = plan(simd, _ECP5).lane_stages
        low, high, weights = ([rng.getrandbits(simd) for _ in range(cycles)] for _ in range(3))
        counts = [int(rng.random() < 0.7) for _ in range(cycles)]
        ends, length = [0] * cycles, 0
        for t in range(cycles):
            length += counts[t]
            if counts[t] and (length == 6 or rng.random() < 0.2):
                ends[t], length = 1, 0
        thresholds = [rng.randint(20, 60) for _ in range(cycles)]
        packed = pack_thresholds(np.array(thresholds)[:, None], span)
        mask = (1 << simd) - 1
        late_low, late_high = _late(low, stages, rng), _late(high, stages, rng)
        sums, total = [-1] * cycles, 0
        for t in range(cycles):
            if counts[t]:
                total += (~(low[t] ^ weights[t]) & mask).bit_count() + 2 * (~(high[t] ^ weights[t]) & mask).bit_count()
            if ends[t]:
                sums[t], total = total, 0
        return {
            "x": [a | b << simd for a, b in zip(late_low, late_high, strict=True)],
            "w": _late(weights, stages, rng),
            "valid": [0] * lag + counts[: cycles - lag],
            "ends": [0] * lag + ends[: cycles - lag],
            "thresholds": _integers(packed),
            "_thresholds": thresholds,
            "_sums": sums,
        }

    def expected(stimulus: Stimulus) -> list[int | None]:
        sums, thresholds = stimulus["_sums"], stimulus["_thresholds"]
        # The comparison is the last cycle before the result: its threshold is that of the cycle before.
        latency = lag + 1 + pipeline.accumulate + pipeline.threshold
        results: list[int | None] = [None] * latency
        for t in range(len(sums) - latency):
            results.append(int(sums[t] >= thresholds[t + latency - 1]) if sums[t] >= 0 else None)
        return results

    return FreeUnit("element", make, stimulus, expected, "result")


UNITS = (_popcount(37), _threshold(), _element())
