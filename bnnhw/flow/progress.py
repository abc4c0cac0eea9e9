"""What a step tells while it runs."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeAlias

__all__ = ["Progress", "Stage", "silent", "silent_stage"]


class Progress(Protocol):
    """Told how much is done, of how much (0: nobody knows), and what is being done."""

    def __call__(self, done: float, total: float, what: str = "", /) -> None: ...


Stage: TypeAlias = Callable[[str], AbstractContextManager[Progress]]
"""Told the name of a step that begins; the context is the step, and gives what is told its progress."""


def silent(done: float, total: float, what: str = "", /) -> None:
    """Tells nobody."""


@contextmanager
def silent_stage(name: str) -> Generator[Progress]:  # noqa: ARG001
    """Tells nobody."""
    yield silent
