"""Options that a link has not are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import network, own_cache, refused

__all__ = ["network", "own_cache", "refused"]


@pytest.mark.parametrize(
    "options, message",
    [
        (["--data-width", "64"], "link stream has no data width"),
        (["--link", "axis", "--result-width", "12"],
         "result width must be one of 8, 16, 32, 64, 128, 256, 512, 1024, not 12"),
        (["--board", "icebreaker", "--link", "uart", "--scores"],
         "link uart carries the class and its score, not the scores of all classes"),
        (["--name", "2nd"], "name must be letters, digits and underscores, no digit first, not '2nd'"),
    ],
)  # fmt: skip
def test_refused(options: list[str], message: str, network: Path, refused: Callable[..., str], tmp_path: Path) -> None:
    assert refused(2, "generate", network, *options, "-o", tmp_path / "design") == message
