"""docs/models.md names exactly the formats and the operators that are read."""

from __future__ import annotations

import re
from pathlib import Path

from bnnhw.frontend import FORMATS
from bnnhw.frontend.onnx.levels import ROUNDINGS
from bnnhw.frontend.onnx.nodes import HANDLERS
from tests.frontend.refusal_list import documented, raised

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"


def test_every_operator_has_a_row() -> None:
    section = DOCUMENT.read_text().partition("\n## QONNX, node by node")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert len(named) == len(set(named))
    assert sorted(named) == sorted(HANDLERS)


def test_every_rounding_mode_is_named() -> None:
    (row,) = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `Quant`")]
    assert set(re.findall(r"[A-Z_]{2,}", row)) == set(ROUNDINGS)


def test_every_format_has_a_row_with_its_options() -> None:
    lines = DOCUMENT.read_text().splitlines()
    for name, entry in FORMATS.items():
        (row,) = [line for line in lines if line.startswith(f"| {name} |")]
        assert re.findall(r"`(--[a-z-]+)`", row) == [option.flag for option in entry.options]
        assert f"bnnhw/frontend/{entry.read.__module__.rpartition('.')[2]}`" in row


def test_every_refusal_is_listed_with_what_to_change() -> None:
    """``python -m tests.frontend.refusal_list`` prints the rows that lack."""
    found, listed = raised(), documented()
    assert sorted(set(found) - set(listed)) == []
    assert sorted(set(listed) - set(found)) == []
    for reason, advice in listed.items():
        assert advice, reason
        assert found[reason] in ("", advice)


def test_a_reason_and_its_advice_are_told_apart() -> None:
    found = raised()
    assert found["its ceil_mode must be 0, not 1"] == "train with ceil_mode=False"
    assert found["its scale must be positive"] == ""
    assert all("…" in reason or re.search(r"[a-z]{3}", reason) for reason in found)
