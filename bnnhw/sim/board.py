"""A board as a simulation: the top of its design, at its pins, in the time of its clock.

The bench (``board.cpp.j2``) is the oscillator and the clock generator, and what is at the far end of the link, which
the link brings (:meth:`bnnhw.links.BoardLink.far_end`). It is talked to as a port is, :class:`SimulatedPort`:
simulated time passes only while somebody listens, so that a slow simulation is no slow board.
"""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bnnhw import processes
from bnnhw.boards import Board
from bnnhw.errors import BnnhwError, RequestError, ToolError
from bnnhw.links import BoardLink
from bnnhw.links.pins import FLASH, board_platform
from bnnhw.links.weights.flash import FLASH_PINS
from bnnhw.sim import model
from bnnhw.sim.cells import models_for
from bnnhw.templates import render

__all__ = ["BENCH", "SimulatedPort", "compile_board"]

BENCH = "board_bench"
"""The module around the top, by whose name the models of clock generators find their clock."""

TOP = "top"

PATIENCE_S = 0.01
"""Simulated seconds that a read waits."""

_FEMTO = 1e15

_READY = struct.Struct("<QII")
"""Before the bytes of an answer: the time, faults on the line, how many bytes."""


def compile_board(
    sources: Mapping[str, str], board: Board, link: BoardLink, *, flash: bool = False, cache: Path | None = None
) -> model.Model:
    """Compiles the simulation of a board.

    Parameters
    ----------
    sources : mapping of str to str
        Verilog by file name; the module ``top`` among it has the pins as ports, by the names that Amaranth gives
        them.
    board : Board
    link : BoardLink
        As it was built.
    flash : bool
        Whether the design reads the flash that the device starts from: the board then has one.
    cache : Path, optional
        Folder of compiled models; the user's cache by default.

    Raises
    ------
    RequestError
        For a family without models of what is at the pins, a design with a cell that has no model or is used as its
        model does not cover, and a top without the link's pins.
    ToolError
        When Verilator or a C++ compiler is missing.
    """
    family = board.family
    if family.board_models is None:
        raise RequestError(
            f"no board of the family {family.name} can be simulated: it has no models of its pins and clock"
        )
    ports = _ports(sources)
    own = render("bnnhw.devices", family.board_models)
    cells, defines = models_for(family.name, sources)
    cells = {name: _without(text, own) for name, text in cells.items()}
    main = render(
        "bnnhw.sim",
        "board.cpp.j2",
        oscillator_hz=round(board.oscillator_mhz * 1e6),
        far_end=link.far_end(),
        flash=render("bnnhw.links.weights", "flash.cpp.j2") if flash else "",
    )
    design = {name: _both_ways(text, ports) for name, text in sources.items()}
    files = {**cells, **design, "board_models.v": own, "board_bench.v": _bench(board, link, ports, flash=flash)}
    try:
        return model.build(files, BENCH, main, defines=defines, cache=cache)
    except ToolError as error:
        if (missing := _MISSING.search(str(error))) is not None:
            raise RequestError(
                f"{board.name} can not be simulated: its design has the cell {missing[1]}, which has no model"
            ) from None
        if (used := _REFUSED.search(str(error))) is not None:
            raise RequestError(f"{board.name} can not be simulated: {used[1]}") from None
        raise


_MISSING = re.compile(r"%Error-MODMISSING: .*'(\w+)'")
_REFUSED = re.compile(r"%Error-USERERROR: .*: (\w+: .*)")
"""What Verilator says of a module that nobody defines, and of a ``$error`` in one."""


def _ports(sources: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the ports of the top."""
    for text in sources.values():
        if (head := re.search(rf"^module {TOP} *\((.*?)\);", text, re.M | re.S)) is not None:
            return tuple(port.split()[-1] for port in head[1].split(","))
    raise ValueError(f"sources must have a module {TOP}")


def _both_ways(text: str, ports: tuple[str, ...]) -> str:
    """A top's inputs as pins: the cell at a pin may be one that goes both ways, whatever way it is used."""

    def pins(head: re.Match[str]) -> str:
        return re.sub(rf"^( *)input ((?:\[\d+:\d+\] )?(?:{'|'.join(ports)});)$", r"\1inout \2", head[0], flags=re.M)

    return re.sub(rf"^module {TOP} *\(.*?^endmodule", pins, text, flags=re.M | re.S)


def _without(text: str, own: str) -> str:
    """Cell models but for those of modules that another text has."""
    for name in re.findall(r"^module (\w+)", own, re.M):
        text = re.sub(rf"^(?:\(\*[^\n]*\*\)\n)*module {name}\b.*?\bendmodule[^\n]*\n", "", text, flags=re.M | re.S)
    return text


def _bench(board: Board, link: BoardLink, ports: tuple[str, ...], *, flash: bool) -> str:
    """Verilog: the top, its pins driven and read by the names of the link's signals, and of a flash's."""
    platform: Any = board_platform(board, link)
    directions: dict[str, str] = {"oscillator": "i", **link.pins}
    resources: dict[str, tuple[str, str | None]] = {signal: (link.name, signal) for signal in link.pins}
    resources["oscillator"] = (board.oscillator, None)
    if flash:
        directions |= {f"flash_{name}": way for name, way in FLASH_PINS.items()}
        resources |= {f"flash_{name}": (FLASH, name) for name in FLASH_PINS}
    signals = [
        {"name": signal, "direction": direction, "width": link.widths.get(signal, 1)}
        for signal, direction in directions.items()
    ]
    pins: list[dict[str, Any]] = []
    for signal, direction in directions.items():
        name, part = resources[signal]
        stem, inverted = _port(platform, name, part)
        here = [port for end in ("io", "p", "n") if (port := f"{stem}__{end}") in ports]
        # An oscillator inside the device is at no pin.
        if not here and signal != "oscillator":
            whose = f"link {name}" if name == link.name else name
            raise RequestError(f"{board.name}: the design has no pin {stem}, which {whose} needs")
        pins += [
            {
                "port": port,
                "signal": signal,
                "direction": direction,
                "width": link.widths.get(signal, 1),
                "inverted": inverted != port.endswith("__n"),
            }
            for port in here
            if direction == "i" or not port.endswith("__n")
        ]
    return render("bnnhw.sim", "board.v.j2", bench=BENCH, top=TOP, pins=pins, signals=signals)


def _port(platform: Any, name: str, signal: str | None) -> tuple[str, bool]:
    """How the ports of a resource's signal begin in a top that Amaranth makes, and whether its pin is inverted."""
    stem = f"{name}_0"
    resource = platform.resources.get((name, 0))
    if resource is None:
        return stem if signal is None else f"{stem}__{signal}", False
    ios = resource.ios[0]
    if signal is not None:
        ios = next((part for part in resource.ios if getattr(part, "name", None) == signal), resource).ios[0]
        stem = f"{stem}__{signal}"
    return stem, bool(getattr(ios, "invert", False))


class SimulatedPort:
    """The port of a simulated board.

    Parameters
    ----------
    simulation : Model
        From :func:`compile_board`.
    flash : dict of int to bytes, optional
        What its flash holds, by the first byte's place; elsewhere it is empty. Of a board that has one.

    Attributes
    ----------
    faults : int
        Words that came damaged over the link, as the far end counts them.
    """

    def __init__(self, simulation: model.Model, flash: Mapping[int, bytes] | None = None) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = processes.talk([str(simulation.program)], stderr=self._errors)
        for place, contents in (flash or {}).items():
            self._command(b"f", len(contents), struct.pack("<I", place) + contents)
        self._now = 0
        self.faults = 0

    def clock(self) -> float:
        """Simulated seconds since the board was switched on."""
        return self._now / _FEMTO

    def write(self, data: bytes, /) -> int:
        """Sends; no time passes."""
        self._command(b"w", len(data), data)
        return len(data)

    def read(self, size: int = 1, /, wait_s: float = PATIENCE_S) -> bytes:
        """What has come, or comes within so many simulated seconds."""
        self._command(b"r", size, struct.pack("<Q", round(wait_s * _FEMTO)))
        self._now, self.faults, count = _READY.unpack(self._answer(_READY.size))
        return self._answer(count)

    def close(self) -> None:
        """Ends the simulation."""
        if self._errors.closed:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:
                # It ended before it had read everything.
                continue
        processes.stop(self._process)
        self._errors.close()

    def _command(self, kind: bytes, count: int, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(kind + struct.pack("<I", count) + data)
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise self._failure() from None

    def _answer(self, size: int) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(size)
        if len(data) != size:
            raise self._failure()
        return data

    def _failure(self) -> BnnhwError:
        if self._errors.closed:
            return RequestError("the board is closed")
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return BnnhwError(f"the simulation of the board ended: {lines[-1] if lines else f'status {status}'}")
