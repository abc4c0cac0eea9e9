"""The page of the boards: what is known of each, and what was built for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bnnhw.boards import BOARDS, Board
from bnnhw.flow.boards import board_notes, describe_board, placed_pins

__all__ = ["page"]

Table = Callable[[Iterable[str], Iterable[Iterable[object]]], str]

INTRODUCTION = """# Boards

Made by `python benchmarks/document.py` from the boards' own files and from `benchmarks/results/boards.json`, which
`python benchmarks/measure_boards.py` makes.

**{tried}** Pins are from amaranth-boards and from the public sources that each file
in `boards/` names; clocks are nextpnr's. `bnnhw boards NAME` says the same of one board, with its connectors, of a
board of yours too.

## Built

{count} boards. Each network is folded for 100,000 frames per second of the core at the board's clock, or as fast as
fits; what the serial link carries at its baud rate stands beside. LUT4, registers and block RAMs are those of
synthesis, the link included. Fmax is nextpnr's, at seed 0; with less than 15 % to spare at seeds 0, 1 and 2. On an
oscillator inside the device (UPduino) the clock may be 10 % faster than it is said to be: timing is met for that
too."""

PINS = """## Pins and programs

rx is where the board listens, tx where it answers. `--pins rx=P,tx=P` of `generate`, `build` and `boards` chooses
others: `CONNECTOR_NUMBER:PIN`, or a pin of the package.

`bnnhw program DIR` loads what `build` left, by the first of a board's programs that is there: into the device,
until power goes, where *device* is among what it can load, otherwise into the flash; `--flash` writes the flash.
Where none is there it says the command, and how to get the program (exit code 3); where one fails, what it said
(exit code 1). A bitstream of another board is refused; one that missed its timing is loaded with a warning. `bnnhw
doctor` lists the programs."""


def page(results: dict[str, Any], table: Table) -> str:
    """The page as Markdown, for the boards that were measured."""
    built = {name: entry for name, entry in results.items() if "fmax_mhz" in entry}
    refused = {name: entry["refused"] for name, entry in results.items() if "refused" in entry}
    tried = [board.name for board in BOARDS.values() if board.tried]
    verdict = (
        f"Tried on real boards: {', '.join(tried)}." if tried else "No bitstream of ours has run on a real board yet."
    )
    parts = [
        INTRODUCTION.format(tried=verdict, count=len(built)),
        table(
            (
                "board",
                "device",
                "network",
                "LUT4",
                "FF",
                "block RAM",
                "clock, MHz",
                "Fmax, MHz",
                "frames/s",
                "link frames/s",
            ),
            (_row(name, entry) for name, entry in built.items()),
        ),
    ]
    if missed := [name for name, entry in built.items() if not entry["timing_met"]]:
        parts.append(f"Timing is missed at seed 0: {', '.join(missed)}.")
    if refused:
        first = next(iter(refused.values()))
        parts.append(
            f"Too small for every network in `models/`: {', '.join(refused)}. The nearest: "
            + "; ".join(f"{model}: {why}" for model, why in list(first.items())[:1])
            + ". Smaller networks of yours are built for them as for the others."
        )
    if rest := [name for name in BOARDS if name not in results]:
        parts.append(f"Not built for this table: {', '.join(rest)}.")
    parts += [
        PINS,
        table(
            ("board", "oscillator", "rx, tx", "lamps", "programs", "to know"),
            (_facts(board) for board in BOARDS.values()),
        ),
    ]
    return "\n\n".join(parts)


def _row(name: str, entry: dict[str, Any]) -> tuple[object, ...]:
    cells = entry["estimate"]
    return (
        name,
        entry["device"],
        entry["model"],
        *(f"{cells[key]:,}" for key in ("lut4", "ff", "bram")),
        f"{entry['clock_mhz']:g}",
        ", ".join(f"{fmax:.1f}" for fmax in entry["seeds"].values()),
        f"{entry['fps']:,.0f}",
        f"{entry['link_fps']:,.0f} ({entry['link']}, {entry['baud']:,} baud)",
    )


def _facts(board: Board) -> tuple[object, ...]:
    facts = describe_board(board, whole=True)
    names = {"sram": "device", "flash": "flash"}
    ways = [f"{way['tool']} ({', '.join(names[memory] for memory in way['memories'])})" for way in facts["programmers"]]
    where = ", inside" if board.inside else ""
    lamps = ", ".join(facts["lamps"].values())
    return (
        board.name,
        f"{board.oscillator_mhz:g} MHz{where}",
        ", ".join(placed_pins(board).values()),
        lamps,
        ", ".join(ways),
        board_notes(board),
    )
