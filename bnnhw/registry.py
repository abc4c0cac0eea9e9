"""What each kind of thing (a layer, a unit) brings for one purpose, asked for by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar, Generic, Protocol, TypeVar

from bnnhw.errors import MissingError

__all__ = ["Kind", "Registry"]


class Kind(Protocol):
    """A class with a word for its kind."""

    kind: ClassVar[str]


V = TypeVar("V")


class Registry(Generic[V]):
    """Values by kind.

    ::

        REFERENCE: Registry[Callable[[Any], Step]] = Registry("a reference", "bnnhw/reference/{kind}.py")

        @REFERENCE.register(Flip)
        def flip(layer: Flip) -> Step: ...

        REFERENCE.of(layer)

    Parameters
    ----------
    what : str
        Name of one value, with its article: ``a reference``.
    where : str
        The place where the registration of a kind belongs; ``{kind}`` stands for the kind.
    """

    def __init__(self, what: str, where: str) -> None:
        self._what = what
        self._where = where
        self._values: dict[str, V] = {}

    def add(self, owner: type[Kind], value: V) -> None:
        """Register a value. Raises :class:`ValueError` where the kind has one already."""
        if owner.kind in self._values:
            raise ValueError(f"{self._what} is already registered for kind {owner.kind!r}")
        self._values[owner.kind] = value

    def register(self, *owners: type[Kind]) -> Callable[[V], V]:
        """Register what is decorated for one or more kinds."""

        def decorate(value: V) -> V:
            for owner in owners:
                self.add(owner, value)
            return value

        return decorate

    def named(self, kind: str) -> V:
        """The value of a kind. Raises :class:`~bnnhw.errors.MissingError`, which says where it belongs."""
        if kind not in self._values:
            where = self._where.format(kind=kind)
            raise MissingError(f"kind {kind!r} must have {self._what}: register it in {where}")
        return self._values[kind]

    def of(self, thing: Kind | type[Kind]) -> V:
        """The value for the kind of a thing. Raises as :meth:`named` does."""
        return self.named(thing.kind)

    def __contains__(self, kind: str) -> bool:
        return kind in self._values

    def __iter__(self) -> Iterator[str]:
        """The kinds, in alphabetical order: which module was imported first says nothing."""
        return iter(sorted(self._values))
