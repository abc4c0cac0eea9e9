"""How fast devices are: the table that ``benchmarks/fit_clock.py`` makes of recorded routes.

``prices/clock.json`` has a row for each kind of part and speed grade (:attr:`bnnhw.boards.Board.speed`). The slowest
path of a design with its link is nearly always control: whether a word moves, through five to eight look-up tables to
the enables of registers. Wires make more than half of it. They grow with the design, and with the registers that one
enable has: the bits of the widest stream. Where a block RAM gives its word late in the cycle, and frames wait in one,
the path from there is slower, but in large designs; it stays within the link, which does not grow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Speed", "speed", "speeds"]

CELLS, BITS = 1000, 32
"""Logic cells, and bits of the widest stream, of the design that the nanoseconds of the table are those of."""


@dataclass(frozen=True)
class Speed:
    """How fast a kind of part is.

    Parameters
    ----------
    control_ns : float
        Of the slowest path of control, in a design of :data:`CELLS` whose widest stream has :data:`BITS`.
    memory_ns : float, optional
        Of the slowest path out of the block RAM in which frames wait; 0 where control is never faster. None: that was
        not measured.
    shift : float
        How many times as long it takes where words of the accelerator's input are no whole bytes, nor parts of one:
        bytes are shifted there.
    cells, bits : float
        A path of control takes longer by these powers of the cells, which is that of a family, and of the bits.
    routed : int
        Routes that the row was fitted to.
    """

    control_ns: float
    memory_ns: float | None
    shift: float
    cells: float
    bits: float
    routed: int

    def fmax_mhz(self, cells: float, bits: int, *, memory: bool, aligned: bool) -> float | None:
        """The clock that a design should reach; None where nobody knows.

        Parameters
        ----------
        cells : float
            Logic cells as nextpnr counts them, link included.
        bits : int
            Of its widest stream.
        memory : bool
            Whether the frames of its link wait in block RAM.
        aligned : bool
            Whether words of its input are whole bytes, or parts of one.
        """
        control = self.control_ns * (cells / CELLS) ** self.cells * (bits / BITS) ** self.bits
        if not memory:
            return 1e3 / control
        return None if self.memory_ns is None else 1e3 / max(control, self.memory_ns * (1 if aligned else self.shift))


@cache
def speeds() -> Mapping[str, Speed]:
    """The whole table, by the names of :attr:`bnnhw.boards.Board.speed`."""
    table = json.loads((files("bnnhw.devices.prices") / "clock.json").read_text(encoding="utf-8"))
    return {name: Speed(**row, bits=table["bits"], shift=table["shift"]) for name, row in table["parts"].items()}


def speed(name: str) -> Speed | None:
    """How fast a kind of part is; None where nothing is known of it."""
    return speeds().get(name)
