"""Draws the words of each unit of units.md, out of the code that stands there: `python docs/figures.py`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bnnhw.dataflow.flow import Link, Timeline, sink, source

__all__ = ["PAGE", "drawings"]

PAGE = Path(__file__).parent / "units.md"

FRAMES = 2
COLOURS = ("#1f7a6d", "#c8662b")
"""Of the words of each frame."""

CELL, ROW, LEFT = 11, 24, 62
"""Width of a cycle, height of a stream, and room for its name, in SVG units."""


def drawings() -> Iterator[tuple[Path, str]]:
    """The pictures of the page: where each belongs, and its SVG.

    Yields
    ------
    path, text
        Of the unit that the block in front of the picture made.
    """
    names: dict[str, Any] = {}
    for block, picture in re.findall(
        r"(?ms)^```python\n(.*?)^```$|^!\[[^]]*\]\((\S+)\)$", PAGE.read_text(encoding="utf-8")
    ):
        if block:
            exec(compile(block, str(PAGE), "exec"), names)
        else:
            yield PAGE.parent / picture, _svg(names["unit"])


def _svg(unit: Any) -> str:
    words_in, words_out = (formats[0].words // unit.repeats for formats in (unit.inputs, unit.outputs))
    before, behind = Link(), Link()
    units = (
        (source(before, FRAMES * words_in), (before,)),
        (unit.timing.flow(before, behind, frames=FRAMES), (before, behind)),
        (sink(behind, FRAMES * words_out), (behind,)),
    )
    Timeline(units).finish()
    cycles = max(before.taken[-1], behind.taken[-1]) + 1
    width, height = LEFT + cycles * CELL + 8, 2 * ROW + 26
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for row, (name, link, words) in enumerate((("input", before, words_in), ("output", behind, words_out))):
        top = row * ROW + 5
        lines.append(f'<text x="4" y="{top + 12}" fill="#1c2321">{name}</text>')
        lines.append(f'<rect x="{LEFT}" y="{top}" width="{cycles * CELL}" height="16" fill="#e9edea"/>')
        for number, cycle in enumerate(link.taken):
            colour = COLOURS[number // words % len(COLOURS)]
            x = LEFT + cycle * CELL
            lines.append(f'<rect x="{x + 0.5}" y="{top}" width="{CELL - 1}" height="16" fill="{colour}"/>')
    # A number below every fifth cycle, of many below every tenth.
    apart = 5 if cycles <= 60 else 10
    for cycle in range(0, cycles, apart):
        x = LEFT + cycle * CELL + CELL / 2
        lines.append(f'<text x="{x:g}" y="{2 * ROW + 18}" fill="#66706c" text-anchor="middle">{cycle}</text>')
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    for path, text in drawings():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path}\n")
