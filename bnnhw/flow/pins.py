"""The pins that a link has on a board."""

from __future__ import annotations

from dataclasses import replace

from bnnhw.boards import Board
from bnnhw.errors import RequestError
from bnnhw.links import board_link
from bnnhw.links.pins import board_platform, lamp_ports, link_pins, parse_pins, request

__all__ = ["pins_of", "with_pins"]


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
    chosen = parse_pins(pins, tuple(link.pins))
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
