"""What docs/run.md says of runs on the virtual board is what was measured."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.benchmarks.neighbours import neighbour

ENTRY: dict[str, Any] = {
    "network": "digits", "board": "icebreaker", "device": "iCE40UP5K", "level": "bitstream", "dataset": "digits",
    "link": {"name": "uart", "baud": 1_000_000}, "frames": 1000, "differences": 2, "resent": 1, "correct": 900,
    "frames_per_s": 2529.5, "link_fps": 2564.1, "fps": 625_000.0, "wall_s": 20.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def virtual_page() -> ModuleType:
    return neighbour("virtual_page")


def table(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    names = list(headings)
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in [names, ["---"] * len(names), *rows])


def test_section(virtual_page: ModuleType) -> None:
    """A difference is told in the text and in its row."""
    text = virtual_page.virtual_section({"a": ENTRY, "b": ENTRY | {"level": "rtl", "differences": 0}}, table)
    assert "2,000 frames, 2 differences" in text
    assert text.splitlines()[-2:] == [
        "| digits | icebreaker (iCE40UP5K) | uart, 1,000,000 baud | bitstream, unpacked | 1,000 | 2 | 1 "
        "| 2,530 of 2,564 | 625,000 |",
        "| digits | icebreaker (iCE40UP5K) | uart, 1,000,000 baud | what was synthesized | 1,000 | 0 | 1 "
        "| 2,530 of 2,564 | 625,000 |",
    ]


@pytest.mark.parametrize(
    "link, said",
    [
        ({"name": "spi", "sck_hz": 20_000_000}, "spi, sck 20,000,000 Hz"),
        ({"name": "parallel", "strobe_ns": 60, "quiet_ns": 40}, "parallel, strobe 60 ns, quiet 40 ns"),
    ],
)
def test_what_a_link_was_set_to(link: dict[str, Any], said: str, virtual_page: ModuleType) -> None:
    assert f"| {said} |" in virtual_page.virtual_section({"a": ENTRY | {"link": link}}, table)


def test_a_section_is_replaced(virtual_page: ModuleType) -> None:
    page = "# A\n\n### Measured\n\nold\n\n## B\n\n### C\n"
    assert virtual_page.replaced(page, "### Measured\n\nnew") == "# A\n\n### Measured\n\nnew\n\n## B\n\n### C\n"
    with pytest.raises(ValueError, match=r"^page must have one heading '### Measured', not 0$"):
        virtual_page.replaced("# A\n", "text")


def test_the_document_is_that_of_the_results(root: Path, virtual_page: ModuleType) -> None:
    results = json.loads((root / "benchmarks" / "results" / "virtual.json").read_text())
    page = (root / "docs" / "run.md").read_text()
    assert virtual_page.replaced(page, virtual_page.virtual_section(results, table)) == page
