"""The host's side of a link: what it needs of the way to a board, and what it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

__all__ = ["Answer", "Counts", "Host", "Listened", "Port"]


class Port(Protocol):
    """What a host needs of the way to a board, whatever it is: bytes there and back."""

    def write(self, data: bytes, /) -> object: ...

    def read(self, size: int = 1, /) -> bytes:
        """At most ``size`` bytes; fewer, or none, when the port's timeout passes first."""
        ...

    def close(self) -> None: ...


class Listened(Protocol):
    """A port of a simulated board, whose time passes while somebody listens."""

    def clock(self) -> float: ...

    def write(self, data: bytes, /) -> object: ...

    def read(self, size: int = 1, /, wait_s: float = ...) -> bytes: ...


class Answer(Protocol):
    """What a board says of one frame."""

    @property
    def index(self) -> int: ...

    @property
    def score(self) -> int: ...


class Counts(Protocol):
    """What a board says of frames that it holds."""

    @property
    def frames(self) -> int: ...

    @property
    def wrong(self) -> int: ...

    @property
    def different(self) -> int: ...

    @property
    def cycles(self) -> int: ...


class Host(Protocol):
    """The host's side of a link: frames there, answers back."""

    resent: int

    def check(self, identity: int, frame_bytes: int, classes: int) -> None:
        """:class:`~bnnhw.errors.CheckError` unless the board holds the design with these figures."""
        ...

    def run(self, frames: Iterable[bytes]) -> Iterator[Answer]:
        """Answers to frames, in order, as they come."""
        ...

    def count(self, frames: int, seconds: float) -> Counts:
        """What became of so many of the frames that the board holds, which take about so long."""
        ...

    def load(self, image: bytes) -> None:
        """Replaces the weights of a board, between frames, by those of an image (:mod:`bnnhw.dataflow.image`)."""
        ...

    def close(self) -> None: ...
