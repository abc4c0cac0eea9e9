"""Ways into and out of an accelerator: one folder each, with its gateware, its protocol and its host side.

A folder is a link when its package has a ``LINK``; there is no list to add it to.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Protocol

from bnnhw.errors import RequestError
from bnnhw.links.host import Host, Port
from bnnhw.links.link import BoardLink, FrameAccelerator, Lamps, Link, Setting

__all__ = [
    "DEFAULT",
    "LINKS",
    "BoardLink",
    "FrameAccelerator",
    "Host",
    "Lamps",
    "Link",
    "Port",
    "Setting",
    "board_link",
    "get",
]

DEFAULT = "stream"
"""The link of a design that asks for none."""


def _found() -> dict[str, Link]:
    packages = [
        importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__) if info.ispkg
    ]
    links: list[Link] = [package.LINK for package in packages if hasattr(package, "LINK")]
    links.sort(key=lambda link: (link.needs_board, link.name != DEFAULT, link.name))
    return {link.name: link for link in links}


LINKS = _found()
"""Every link, by name: the default first, then those that need no board."""


def get(name: str) -> Link:
    """A link by its name; :class:`~bnnhw.errors.RequestError` lists the known ones."""
    if name not in LINKS:
        raise RequestError(f"link must be one of {', '.join(LINKS)}, not {name!r}")
    return LINKS[name]


class Reachable(Protocol):
    """What is needed of a board to choose a link of it."""

    @property
    def name(self) -> str: ...

    @property
    def links(self) -> tuple[str, ...]: ...

    @property
    def settings(self) -> Mapping[str, Mapping[str, int]]: ...


def board_link(board: Reachable, name: str | None = None) -> BoardLink:
    """A link of a board as set there, by default its first; :class:`~bnnhw.errors.RequestError` lists those it has."""
    wanted = board.links[0] if name is None else name
    link = LINKS.get(wanted)
    if wanted not in board.links:
        raise RequestError(f"link of {board.name} must be one of {', '.join(board.links)}, not {wanted!r}")
    if not isinstance(link, BoardLink):
        raise RequestError(f"link {wanted!r} of {board.name} must have a folder in bnnhw/links, and has none")
    return link.configured(**board.settings.get(wanted, {}))
