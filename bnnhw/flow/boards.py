"""What is to be known of a board."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bnnhw.boards import Board, Lamp
from bnnhw.errors import RequestError
from bnnhw.flow.pins import pins_of
from bnnhw.links import board_link
from bnnhw.links.pins import connectors

__all__ = ["board_notes", "describe_board", "placed_pins", "tell_board"]

_LAMPS = ("error", "activity")


def describe_board(board: Board, *, whole: bool) -> dict[str, Any]:
    """What ``bnnhw boards`` says of a board; ``whole``: of one alone, which its platform is made for."""
    facts: dict[str, Any] = {
        "device": board.device,
        "package": board.package,
        "lut": board.lut4,
        "bram_bits": board.bram_bits,
        "spram_bits": board.spram_bits,
        "clock_mhz": board.clock_mhz,
        "oscillator_mhz": board.oscillator_mhz,
        "links": list(board.links),
        "bridge_baud": board.bridge_baud,
        "tried": board.tried,
    }
    if not whole:
        return facts
    link = board_link(board)
    return {
        **facts,
        "oscillator": board.oscillator,
        "link": {"name": link.name, **link.settings, "pins": _pins(board)},
        "lamps": {name: _lamp(lamp) for name, lamp in zip(_LAMPS, board.leds, strict=False)},
        "connectors": connectors(board.platform()),
        "programmers": [
            {"tool": way.program.name, "memories": list(way.memories), "note": way.note} for way in board.programmers
        ],
        "note": board_notes(board),
    }


def board_notes(board: Board) -> str:
    """What a user must know of it and of its link: of what is to be at pins of a connector too."""
    link = board_link(board)
    at_connector = any(":" in pin for pin in board.pins.get(link.name, {}).values())
    return "; ".join([note for note in (link.adapter if at_connector else "", board.notes) if note])


def placed_pins(board: Board) -> dict[str, str]:
    """Where the link's signals are: the pin of the package, behind that of a connector where one was named."""
    chosen = board.pins.get(board_link(board).name, {})
    return {
        signal: f"{chosen[signal]} ({pin})" if chosen.get(signal, pin) != pin else pin
        for signal, pin in _pins(board).items()
    }


def tell_board(board: Board) -> Iterator[str]:
    """The same for people, as lines."""
    facts = describe_board(board, whole=True)
    where = "inside the device" if board.inside else f"resource {board.oscillator}"
    yield f"oscillator   {board.oscillator_mhz:g} MHz, {where}"
    link = dict(facts["link"])
    name = link.pop("name")
    del link["pins"]
    settings = "".join(f", {key} {value}" for key, value in link.items())
    yield f"link         {name}: {_pairs(placed_pins(board)) or 'pins must be chosen: --pins'}{settings}"
    yield f"lamps        {_pairs(facts['lamps']) or 'none'}"
    for connector, pins in facts["connectors"].items():
        yield f"connector    {connector}: {', '.join(f'{pin} ({to})' for pin, to in pins.items())}"
    for way in board.programmers:
        yield f"programmer   {way.program.name} ({', '.join(way.memories)}){f'; {way.note}' if way.note else ''}"
    if notes := board_notes(board):
        yield f"note         {notes}"
    yield "tried        " + (
        "a bitstream of bnnhw has run on one"
        if board.tried
        else "no bitstream of bnnhw has run on one yet: pins are from public sources, timing is nextpnr's"
    )


def _pins(board: Board) -> dict[str, str]:
    """Empty where the board's platform has none and none are chosen."""
    try:
        return pins_of(board)
    except RequestError:
        return {}


def _lamp(lamp: Lamp) -> str:
    name, number, *signal = lamp
    return ".".join([f"{name}_{number}", *signal])


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
