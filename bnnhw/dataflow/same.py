"""Objects as keys of what is kept about them, without what they hold being compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Same"]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Same(Generic[T]):
    """An object as that which it is: equal to another of the same object only. It stays as long as the key does.

    Parameters
    ----------
    one : object
        Not changed after that.
    """

    one: T

    def __hash__(self) -> int:
        return id(self.one)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.one is self.one
