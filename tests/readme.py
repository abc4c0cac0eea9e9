"""The commands that the README gives a new user, and data for them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np

from tests.datasets.writers import write_image

__all__ = ["DATA", "commands", "pictures", "smaller", "table"]

DATA = "leaves/"
"""The data set that the commands are about."""


def commands(root: Path) -> list[list[str]]:
    """The five commands from data of one's own to classes: their words, without the program's name."""
    text = (root / "README.md").read_text()
    screen = text[: text.index("\n## ")]
    (block,) = re.findall(rf"(?:^    bnnhw .*{re.escape(DATA)}.*\n)(?:^    bnnhw .*\n)*", screen, re.MULTILINE)
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    assert [line[1] for line in lines] == ["new", "train", "import", "build", "run"]
    return [line[1:] for line in lines]


def pictures(folder: Path, each: int = 30) -> None:
    """Bars that lie and bars that stand, on noise."""
    random = np.random.default_rng(0)
    for i in range(each):
        for name in ("lying", "standing"):
            image = random.integers(0, 60, (6, 6))
            row, column = random.integers(0, 6), random.integers(0, 3)
            image[row, column : column + 4] += 180
            write_image(folder / name / f"{i:02}.png", (image if name == "lying" else image.T).astype(np.uint8))


def table(path: Path, each: int = 30) -> None:
    """Three kinds of trees by two numbers, their names in the last column."""
    random = np.random.default_rng(0)
    lines = ["height,girth,kind"]
    for i in range(3 * each):
        height, girth = np.array([[2, 30], [4, 10], [4, 30]][i % 3]) * random.normal(1, 0.1, 2)
        lines.append(f"{height:.2f},{girth:.1f},{('oak', 'elm', 'ash')[i % 3]}")
    path.write_text("\n".join(lines) + "\n")


def smaller(recipe: Path) -> None:
    """A few neurons and a few epochs: a network that is trained, placed and routed in seconds."""
    text = recipe.read_text()
    for field, value in (("epochs", "25"), ("widths", "[2]")):
        text, changed = re.subn(rf"(?m)^{field} = .*?(?= #|$)", f"{field} = {value}", text)
        assert changed == 1, field
    recipe.write_text(text)
