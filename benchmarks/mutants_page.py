"""The section of docs/benchmarks.md on tests that notice faults, made of benchmarks/results/mutants.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["mutants"]


def mutants(result: dict[str, Any], table: Callable[..., str]) -> str:
    """The section, given what makes a table of headings and rows."""
    rows = [
        (
            part,
            entry["seed"],
            entry["planted"],
            entry["noticed"],
            f"{100 * entry['noticed'] / entry['planted']:.1f} %",
            entry["equivalent, left out"],
            "all" if entry["seconds of tests"] is None else f"{entry['seconds of tests']:g}",
        )
        for part, entry in result.items()
    ]
    survivors = [f"- `{text}`" for entry in result.values() for text in entry["survived"]]
    return "\n\n".join(
        [
            "## Tests that notice",
            "Made by `python benchmarks/study_mutants.py --parts PART --count N --seed S`: random faults, an operator, "
            "a comparison, a constant, a sign or a condition changed, one at a time, each against the tests of its own "
            "part. Every sample is of a seed that no test was written for. *Equivalent* faults change nothing anybody "
            "can see; they stand with their reasons in `benchmarks/mutation/equivalent.json`, and no sample has them. "
            "What the quickest tests of so many seconds do not notice counts as not noticed.",
            table(("part", "seed", "faults", "noticed", "of all", "equivalent, in the part", "seconds of tests"), rows),
            *(["Not noticed:", "\n".join(survivors)] if survivors else []),
        ]
    )
