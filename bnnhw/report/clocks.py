"""What the attempts to place and route of ``bnnhw build --explore`` reached, as bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bnnhw.report.figures import Bar

__all__ = ["clock_bars", "spread"]


def clock_bars(build: Mapping[str, Any]) -> tuple[Bar, ...]:
    """A bar for each attempt, on the scale of the fastest; of those that missed their clock in the colour of excess."""
    explored = build.get("explored") or {}
    top = explored.get("fmax_max_mhz", 0.0)
    bars = []
    for attempt in explored.get("attempts", ()):
        label = " ".join([f"seed {attempt['seed']}", *attempt["options"]])
        if "failed" in attempt:
            bars.append(Bar(label, "not routed", 0.0, True))
        else:
            mhz = attempt["fmax_mhz"]
            bars.append(Bar(label, f"{mhz:.1f} MHz", mhz / top, not attempt["timing_met"]))
    return tuple(bars)


def spread(build: Mapping[str, Any]) -> str:
    """The attempts in a sentence."""
    explored = build.get("explored")
    if not explored:
        return ""
    low, middle, high = (explored[f"fmax_{name}_mhz"] for name in ("min", "median", "max"))
    count = len(explored["attempts"])
    return (
        f"{explored['met']} of {count} met timing for {build['clock_mhz']:g} MHz: {low:.1f} to {high:.1f} MHz, "
        f"median {middle:.1f}. Kept is seed {build['seed']}."
    )
