"""The pins that a link has on a board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bnnhw import links
from bnnhw.boards import Board
from bnnhw.errors import RequestError
from bnnhw.links import BoardLink, board_link
from bnnhw.links.pins import board_platform, connectors, lamp_ports, link_pins, parse_pins, request

__all__ = ["pins_of", "with_link", "with_pins"]


def with_link(
    board: Board, link: str | None, pins: str | Mapping[str, str] | None = None, *, placed: bool = True
) -> Board:
    """A board that is reached by a link of one's choice; the link is then the board's first.

    Where the board has no pins of its own for it and none are chosen, they are those of the first connector on which
    the link is usual and that nothing else uses.

    Parameters
    ----------
    link : str, optional
        A name in :data:`bnnhw.links.LINKS`; None leaves the board's.
    pins : str or mapping of str to str, optional
        As ``"rx=pmod_0:3,tx=B10"``, pins of connectors or of the package, or by signal.
    placed : bool
        Whether pins are needed; a folding needs none.

    Raises
    ------
    RequestError
        For a link that is no board's, signals that it has not, pins that the board has not, or that something else of
        the design has, and where pins must be chosen.
    """
    if link is not None and link != board.links[0]:
        chosen = links.get(link)
        if not isinstance(chosen, BoardLink):
            known = ", ".join(name for name, each in links.LINKS.items() if isinstance(each, BoardLink))
            raise RequestError(f"link of a board must be one of {known}, not {link!r}")
        known_here = link in board.links
        board = replace(board, links=(link, *(name for name in board.links if name != link)))
        if placed and pins is None and not known_here and link not in board.pins:
            return _usual(board, chosen)
    if isinstance(pins, Mapping):
        return replace(board, pins={**board.pins, board.links[0]: dict(pins)})
    return with_pins(board, pins)


def _usual(board: Board, link: BoardLink) -> Board:
    """The board with a link at pins that are usual for it."""
    for pins in link.usual_pins(connectors(board.platform())):
        candidate = replace(board, pins={**board.pins, link.name: pins})
        try:
            pins_of(candidate)
        except RequestError:
            continue
        return candidate
    raise RequestError(
        f"{board.name} has no connector that is usual for link {link.name}; choose pins: --pins {link.pins_form}"
    )


def with_pins(board: Board, pins: str | None) -> Board:
    """A board whose link is at pins of one's choice.

    Parameters
    ----------
    pins : str, optional
        As ``"rx=pmod_0:3,tx=B10"``, pins of connectors or of the package; None leaves the board as it is.

    Raises
    ------
    RequestError
        For signals that the link has not, pins that the board has not, and pins that something else of the design has.
    """
    if pins is None:
        return board
    link = board_link(board)
    chosen = parse_pins(pins, tuple(link.pins), link.pins_form)
    # What is at pins of one's choice is not the board's serial bridge.
    board = replace(board, pins={**board.pins, link.name: chosen}, bridge_baud=None)
    pins_of(board)
    return board


def pins_of(board: Board) -> dict[str, str]:
    """The pins of the package that the link has, by signal; errors as :func:`with_pins`."""
    link = board_link(board)
    platform = board_platform(board, link)
    pins = link_pins(platform, link)
    if not board.inside:
        request(platform, board.oscillator, 0)
    try:
        lamp_ports(platform, board.leds)
        request(platform, link.name, 0)
    except RequestError as error:
        raise RequestError(f"{board.name}: {error}") from None
    return pins
