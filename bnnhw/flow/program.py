"""From a bitstream to a board: which program loads it, how, and what speaks against it."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnnhw import processes, tools
from bnnhw.boards import Board, get
from bnnhw.build.cache import stamp_name
from bnnhw.build.result import REPORT
from bnnhw.dataflow.image import image_bytes, unpack_image
from bnnhw.errors import CheckError, FileError, RequestError, ToolError
from bnnhw.files import file_digest, read_json
from bnnhw.programmers import Memory, Programmer
from bnnhw.tools import Tool

__all__ = ["Programming", "plan_programming", "program"]

_SAID_LINES = 5
"""Of a program that fails, so many of its last lines are told."""


@dataclass(frozen=True)
class Programming:
    """One way to load one bitstream.

    Parameters
    ----------
    board : Board
    bitstream : Path
    memory : Memory
        ``"sram"``, which power off clears, or ``"flash"``.
    programmer : Programmer
    tool : Tool
        Its program, found or not.
    warnings : tuple of str
        What speaks against it.
    image : Path, optional
        What goes into the flash behind the bitstream, from :attr:`Board.image_offset <bnnhw.boards.Board>` on.
    """

    board: Board
    bitstream: Path
    memory: Memory
    programmer: Programmer
    tool: Tool
    warnings: tuple[str, ...]
    image: Path | None = None

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """What is run, one after another; by the program's bare name where it is missing.

        An image goes first: the device starts anew with the bitstream, and reads it.
        """
        start = self.tool.command if self.tool.found else self.programmer.program.names[:1]
        ways = [self.programmer.arguments(self.bitstream, self.memory)]
        if self.image is not None and self.board.image_offset is not None:
            arguments = self.programmer.image_arguments(self.image, self.board.image_offset)
            assert arguments is not None, "a programmer is chosen that writes images"
            ways.insert(0, arguments)
        return tuple((*start, *arguments) for arguments in ways)

    @property
    def shown(self) -> str:
        """The commands for a shell."""
        return " && ".join(map(shlex.join, self.commands))

    def as_dict(self) -> dict[str, Any]:
        """What ``bnnhw program`` says of it."""
        return {
            "board": self.board.name,
            "bitstream": str(self.bitstream),
            "memory": self.memory,
            "tool": self.tool.name,
            **({} if self.image is None else {"image": str(self.image)}),
            "command": self.shown,
            "warnings": list(self.warnings),
        }


def plan_programming(folder: Path | str, *, flash: bool = False, board: Board | str | None = None) -> Programming:
    """Chooses how to load what a build left; runs nothing.

    Parameters
    ----------
    folder : Path or str
        That of a build.
    flash : bool
        Into the flash that the device starts from. Otherwise into the device itself; into the flash where the board
        has no other way.
    board : Board or str, optional
        The board it was built for, where its name is not enough to find it: a file of one's own.

    Raises
    ------
    FileError
        When the folder has no whole build, or another bitstream than the one that was built.
    RequestError
        For another board than it was built for, and for a board or a memory that no program known here loads.
    """
    folder = Path(folder)
    report = _report(folder)
    chosen = _board(report, folder, board)
    bitstream = _bitstream(report, folder)
    wanted: Memory | None = "flash" if flash else None
    image = _image(report, folder)
    ways = [way for way in chosen.programmers if wanted is None or wanted in way.memories]
    if image is not None:
        ways = [way for way in ways if way.image_arguments(image, 0) is not None]
    if not ways:
        what = "its flash" if flash and chosen.programmers else "it"
        raise RequestError(
            f"{chosen.name}: no program that is known here loads {what}{f': {chosen.note}' if chosen.note else ''}"
        )
    found = [(way, tools.find(way.program)) for way in ways]
    # The usual one where none is there: its command is what a person is told.
    way, tool = next(((way, tool) for way, tool in found if tool.found), found[0])
    return Programming(chosen, bitstream, wanted or way.memories[0], way, tool, _warnings(report), image)


def program(plan: Programming) -> str:
    """Loads a board; what the program said.

    Raises
    ------
    ToolError
        When the program is missing: with the command, and how to get it.
    CheckError
        When it fails, with what it said.
    """
    if not plan.tool.found:
        raise ToolError(
            f"{plan.tool.name} is missing, needed for {plan.tool.needed_for}: {plan.tool.why}; then: {plan.shown}"
        )
    return "\n".join(_run(plan, command) for command in plan.commands)


def _run(plan: Programming, command: tuple[str, ...]) -> str:
    """One command of a plan."""
    try:
        done = processes.run(command, env=plan.tool.full_environment())
    except (OSError, subprocess.SubprocessError) as error:
        raise CheckError(f"{plan.tool.name} can't be run: {error}; the command was {shlex.join(command)}") from None
    said = f"{done.stdout}\n{done.stderr}".strip()
    if done.returncode:
        lines = [line.strip() for line in said.replace("\r", "\n").splitlines() if line.strip()]
        reason = " / ".join(lines[-_SAID_LINES:]) or "it said nothing"
        note = f"; {plan.programmer.note}" if plan.programmer.note else ""
        raise CheckError(
            f"{plan.tool.name} failed with status {done.returncode}: {reason}{note}; "
            f"the command was {shlex.join(command)}"
        )
    return said


def _report(folder: Path) -> dict[str, Any]:
    path = folder / REPORT
    if not path.is_file():
        raise FileError(f"{folder}: must be a folder that `bnnhw build` wrote, and has no {REPORT}")
    report = read_json(path)
    kinds = {"board": str, "device": str, "bitstream": str, "timing_met": bool, "fmax_mhz": float, "clock_mhz": float}
    for key, kind in kinds.items():
        value = report.get(key)
        if not isinstance(value, kind) and not (kind is float and isinstance(value, int)):
            raise FileError(f"{path}: must say {key!r}, and does not; build it again")
    return report


def _board(report: dict[str, Any], folder: Path, board: Board | str | None) -> Board:
    built_for = report["board"]
    if board is None:
        try:
            chosen = get(built_for)
        except RequestError:
            raise RequestError(
                f"{folder}: was built for board {built_for}, which is in no package here: add --board FILE.py"
            ) from None
    else:
        chosen = get(board) if isinstance(board, str) else board
    if chosen.name != built_for:
        raise RequestError(f"{folder}: was built for board {built_for}, not for {chosen.name}; build it for that one")
    if chosen.device != report["device"]:
        raise RequestError(
            f"{folder}: was built for a {report['device']}, and {chosen.name} has a {chosen.device}; build it again"
        )
    return chosen


def _bitstream(report: dict[str, Any], folder: Path) -> Path:
    path = folder / report["bitstream"]
    if path.parent != folder or not path.is_file():
        raise FileError(f"{path}: no such file, though {folder / REPORT} names it; build it again")
    stamp = folder / stamp_name("pack")
    try:
        expected = json.loads(stamp.read_text(encoding="utf-8"))["outputs"][path.name]
    except (OSError, ValueError, KeyError, TypeError):
        raise FileError(f"{stamp}: must say which bitstream was built, and does not; build it again") from None
    if file_digest(path) != expected:
        raise FileError(f"{path}: is not the bitstream that was built for {report['board']}; build it again")
    return path


def _image(report: dict[str, Any], folder: Path) -> Path | None:
    """The image that goes behind the bitstream, as it was built."""
    said = report.get("image")
    if said is None or said.get("offset") is None:
        return None
    path = folder / said["file"]
    identity, words = int(report["identity"][:8], 16), (said["bytes"] - image_bytes(0)) // 2
    try:
        unpack_image(path.read_bytes(), identity, words)
    except OSError as error:
        raise FileError(f"{path}: can't be read: {error.strerror or error}; build it again") from None
    except FileError as error:
        raise FileError(f"{path}: {error}; build it again") from None
    return path


def _warnings(report: dict[str, Any]) -> tuple[str, ...]:
    if report["timing_met"]:
        return ()
    return (
        f"timing was missed: the design reaches {report['fmax_mhz']:.2f} MHz and runs at {report['clock_mhz']:g} MHz; "
        "what it answers may be wrong",
    )
