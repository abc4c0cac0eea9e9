"""What the tests of refused models share: one line that names the file, and cases registered by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import pytest

from bnnhw.errors import BnnhwError
from bnnhw.frontend import read_model

Change = TypeVar("Change", bound=Callable[..., object])


def refuse(path: Path, error: type[BnnhwError], message: str) -> None:
    """Fails unless reading the file ends in that one line."""
    with pytest.raises(error, match=rf"^{re.escape(f'{path}: {message}')}$"):
        read_model(path)


class Cases(dict[str, tuple[str, Change]], Generic[Change]):
    """Message and change of each case, by the name of the function that makes the change."""

    def __call__(self, message: str) -> Callable[[Change], Change]:
        """Decorates the change that must be refused with ``message``."""

        def add(change: Change) -> Change:
            assert change.__name__ not in self
            self[change.__name__] = (message, change)
            return change

        return add
