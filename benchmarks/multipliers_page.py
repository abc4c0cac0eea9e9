"""The section of docs/benchmarks.md on multipliers for first layers, made of benchmarks/results/multipliers.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["multipliers"]


def multipliers(result: dict[str, Any], table: Callable[..., str]) -> str:
    """The section, given what makes a table of headings and rows."""
    ways: dict[str, dict[str, int]] = result["ways"]
    kept, tried = ways["a popcount for each bit"], ways["multipliers and adders"]
    saved = (kept["lut4"] - tried["lut4"]) / tried["dsp"]
    return "\n\n".join(
        (
            "## Multipliers for 8-bit inputs",
            "Made by `python benchmarks/measure_multipliers.py`: one neuron's sum of "
            f"{result['inputs']} inputs of {result['bits']} bits under weights of one bit, a new one in every cycle, "
            f"synthesized for the {result['part']}. bnnhw makes the first; a multiplier of the last gives the sum of "
            f"two products, in place of {saved:.0f} LUT4. Decision 27 says why it is not made.",
            table(("sum", "LUT4", "registers", "multipliers"), [(name, *_row(row)) for name, row in ways.items()]),
        )
    )


def _row(row: dict[str, int]) -> tuple[int, int, int]:
    return row["lut4"], row["ff"], row["dsp"]
