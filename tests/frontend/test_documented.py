"""docs/models.md names exactly the operators that are read."""

from __future__ import annotations

import re
from pathlib import Path

from bnnhw.frontend.onnx.levels import ROUNDINGS
from bnnhw.frontend.onnx.nodes import HANDLERS

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"


def test_every_operator_has_a_row() -> None:
    rows = [line.split("|")[1] for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert len(named) == len(set(named))
    assert sorted(named) == sorted(HANDLERS)


def test_every_rounding_mode_is_named() -> None:
    (row,) = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `Quant`")]
    assert set(re.findall(r"[A-Z_]{2,}", row)) == set(ROUNDINGS)
