"""Names in C, and text in its comments."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bnnhw.errors import RequestError

__all__ = ["Names", "check_name", "comment", "name_of"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

LONGEST = 40
"""Characters of a network's prefix: C99 tells 63 of an inner name apart, and 31 of an outer one at least."""


def check_name(name: str) -> str:
    """A prefix of C names as it is; :class:`~bnnhw.errors.RequestError` for what is none."""
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        raise RequestError(
            f"name must be at most {LONGEST} letters, digits and underscores, a letter first, not {name!r:.80}"
        )
    return name


def name_of(stem: str) -> str:
    """A prefix made of the name of a file: ``lfc-w1a1`` becomes ``lfc_w1a1``."""
    text = re.sub(r"[^A-Za-z0-9_]", "_", stem)[:LONGEST]
    return text if _NAME.fullmatch(text) else f"network_{text}"[:LONGEST]


def comment(text: str) -> str:
    """Text for a comment of C: whatever could end it, or mean something, is an underscore."""
    return re.sub(r"[^A-Za-z0-9_ .,:;+=()<>%-]", "_", text)


class Names:
    """Names with one prefix, each given once.

    Parameters
    ----------
    prefix : str
    taken : iterable of str
        What is not given, without the prefix.
    """

    def __init__(self, prefix: str, taken: Iterable[str] = ()) -> None:
        self._prefix = prefix
        self._taken = set(taken)

    def unique(self, text: str) -> str:
        """A name like a text, which may hold anything."""
        stem = re.sub(r"[^A-Za-z0-9_]+", "_", text)[:LONGEST].strip("_") or "layer"
        name, number = stem, 1
        while name in self._taken:
            number += 1
            name = f"{stem}_{number}"
        self._taken.add(name)
        return f"{self._prefix}_{name}"
