"""What a foreign format is, and the registry of those that are read.

A format is a folder beside this file. Its ``__init__.py`` registers a :class:`Format`, and imports nothing heavy: the
command line asks every format for its options. Whoever imports :mod:`bnnhw.frontend` has them all.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.errors import FileError

if TYPE_CHECKING:
    from bnnhw.ir import Network

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "Format",
    "ImportedModel",
    "Match",
    "Option",
    "Source",
    "options",
    "register",
    "takers",
]

MAX_BYTES = 1 << 29
"""Largest model file read: 512 MiB, a hundred times a binarized CIFAR-10 network with float32 latent weights."""


@dataclass(frozen=True)
class ImportedModel:
    """A foreign model, read.

    Parameters
    ----------
    network : Network
        Not streamlined, unless the format knows nothing else. Its provenance holds the model's own metadata, and
        ``format``, ``source`` (file name) and ``source_sha256``.
    format : str
        The name of its :class:`Format`: ``"qonnx"``, ``"larq"``, ``"tables"`` or ``"bnn-pynq"``.
    warnings : tuple of str
    """

    network: Network
    format: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """What a path names: a folder, or a file with its bytes.

    Parameters
    ----------
    path : Path
    data : bytes or None
        None: a folder.
    """

    path: Path
    data: bytes | None

    @classmethod
    def open(cls, path: Path) -> Source:
        """Read a file, or find out that it is a folder.

        Raises
        ------
        FileError
            The file is missing, unreadable or too large; names it.
        """
        if path.is_dir():
            return cls(path, None)
        try:
            size = path.stat().st_size
            if size > MAX_BYTES:
                raise FileError(f"{path}: a model must have at most {MAX_BYTES} bytes, not {size}")
            return cls(path, path.read_bytes())
        except OSError as error:
            raise FileError(f"{path}: can't be read: {error.strerror or error}") from None

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.data is None

    @property
    def archive(self) -> bool:
        """Whether it is a file that begins as a ZIP archive does."""
        return self.data is not None and self.data.startswith(b"PK\x03\x04")


class Match(enum.IntEnum):
    """How sure a format is that a source is one of its own."""

    NO = 0
    MAYBE = 1
    """Nothing speaks against it: what is left where no other format is sure."""
    YES = 2


@dataclass(frozen=True)
class Option:
    """What a user may say about a model, where its files do not.

    Parameters
    ----------
    name : str
        A Python identifier, the keyword of :func:`~bnnhw.frontend.read_model`; ``--name`` on the command line, with
        hyphens.
    help : str
        For the command line; says which formats the option is for.
    metavar : str, optional
        What stands for its value there.
    choices : tuple of str
        All values, if it has a list of them.
    parse : callable
        The value that a text stands for. Raises :class:`ValueError`, whose message says what the text must be.
    """

    name: str
    help: str
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    parse: Callable[[str], Any] = str

    @property
    def flag(self) -> str:
        """The option on the command line."""
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True)
class Format:
    """A foreign format.

    Parameters
    ----------
    name : str
        For provenance and messages.
    noun : str
        A model of it, with its article.
    sniff : callable
        How sure it is that a :class:`Source` is one of its own; never raises.
    read : callable
        ``read(source, **options) -> ImportedModel``, the options that were given. Its
        :class:`~bnnhw.errors.FileError`, :class:`~bnnhw.errors.UnsupportedError` and
        :class:`~bnnhw.errors.NetworkError` need not name the source.
    options : tuple of Option
    """

    name: str
    noun: str
    sniff: Callable[[Source], Match]
    read: Callable[..., ImportedModel]
    options: tuple[Option, ...] = ()


FORMATS: dict[str, Format] = {}
"""By name."""


def register(entry: Format) -> Format:
    """Add a format.

    Raises
    ------
    ValueError
        Its name is taken, or an option of its name is another one elsewhere.
    """
    if entry.name in FORMATS:
        raise ValueError(f"format {entry.name!r} is registered already")
    for option in entry.options:
        for other in options():
            if other.name == option.name and other != option:
                raise ValueError(f"option {option.flag} of format {entry.name!r} is another one elsewhere")
    FORMATS[entry.name] = entry
    return entry


def options() -> Iterator[Option]:
    """The options of all formats, each once."""
    yield from dict.fromkeys(option for each in FORMATS.values() for option in each.options)


def takers(name: str) -> str:
    """The formats that take an option, in words."""
    return " or ".join(each.noun for each in FORMATS.values() if name in (option.name for option in each.options))
