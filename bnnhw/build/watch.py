"""What synthesis, placement and routing are doing, read from their logs as these grow."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from math import inf

from bnnhw.errors import BnnhwError

__all__ = ["GivenUpError", "NextpnrWatcher", "Progress", "YosysWatcher"]

Progress = Callable[[float, str], None]
"""Told the fraction done, 0 to 1, and what is being done."""

_PACK, _PLACE, _REFINE, _ROUTE, _END = 0.02, 0.08, 0.35, 0.5, 0.98
"""Where each phase of nextpnr begins, as a fraction of its usual run time on designs of 1k to 10k LUTs."""

_ROUNDS = 15
"""Rounds of the analytic placer in which a usual design is placed, and of the one that refines it."""

_PATIENCE, _WORSE, _MANY = 10, 1.5, 500
"""Rounds of router2 after its best, and how many times as many wires, and how many more, are then used twice: it does
not come back from there. A design that takes 86 % of an LFE5U-25F went from 3,563 such wires to 5,049 in 8 rounds, and
would have gone on for ever; one that is routed has at most some ten more than in its best round."""


_LEGAL, _LEAST_S = 1.0, 120.0
"""Time the static placer may take to make a placement legal: as much as it took for that placement, and so many seconds
at least. It says nothing meanwhile, and tries for hours where it finds no place: for a design of 1,552 sets of
registers with an enable of their own in 77 % of an LFE5U-45F it had not ended after 25 minutes."""


class GivenUpError(BnnhwError):
    """No place or no way was found for all of a design. With other options there may be one."""


class NextpnrWatcher:
    """Reads nextpnr's log, line by line: progress, errors, and how full the device is.

    Raises :class:`GivenUpError` where routing has gone astray, and would not end by itself.

    Parameters
    ----------
    progress : callable, optional

    Attributes
    ----------
    errors : list of str
    used : dict
        Resource -> used and available.
    """

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress
        self.errors: list[str] = []
        self.used: dict[str, tuple[int, int]] = {}
        self._arcs = 0
        self._overused = 0
        self._best = inf
        self._rounds_since = 0
        self._refines = False
        self._placing_since = time.monotonic()
        self._spread_so_far = _PLACE
        self._patience: float | None = None
        # How a line begins, and what it means.
        self._lines: dict[str, Callable[..., tuple[float, str]]] = {
            r"Info: Packing": self._packing,
            r"Info: (?:Creating initial|Running main analytical placer|Running Static placer)": self._placing,
            r"Info: Running simulated annealing": self._refining,
            r"Info:\s+at iteration #(\d+)\b": self._placed,
            r"Info: overlap: \w+=([\d.]+)%": self._spread,
            r"Info: Strict legalising (\d+) cells": self._legalising,
            # router1's table: iteration | ripped-up, re-routed | (delta) | remaining arcs | times
            r"Info: Routing (\d+) arcs": self._routing,
            r"Info:\s+\d+ \|\s+\d+\s+\d+ \|\s+-?\d+\s+-?\d+ \|\s+(\d+)\|": self._routed,
            r"Info:\s+iter=(\d+) wires=\d+ overused=(\d+)": self._untangled,
        }

    def __call__(self, text: str) -> float | None:
        """For how many seconds nextpnr may be silent after that line; None: for ever."""
        self._patience = None
        if text.startswith("ERROR: "):
            self.errors.append(text.removeprefix("ERROR: "))
        if match := re.match(r"Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", text):
            self.used[match[1]] = (int(match[2]), int(match[3]))
        for pattern, read in self._lines.items():
            if match := re.match(pattern, text):
                said = read(*match.groups())
                if self.progress is not None:
                    self.progress(*said)
                break
        return self._patience

    def too_big(self) -> str | None:
        """How much too big the design is, or None."""
        over = [f"{name} {used} of {most}" for name, (used, most) in self.used.items() if used > most]
        return ", ".join(over) or None

    def fullest(self) -> str:
        """What of the device is taken by half and more."""
        rows = [f"{name} {used} of {most}" for name, (used, most) in self.used.items() if 2 * used >= most]
        return ", ".join(rows) or "less than half of everything"

    def _astray(self, number: int, overused: int) -> None:
        """Ends a routing in which router2 gets ever further from a way for all wires."""
        self._rounds_since = 0 if overused < self._best else self._rounds_since + 1
        self._best = min(self._best, overused)
        if self._rounds_since >= _PATIENCE and overused > max(_WORSE * self._best, self._best + _MANY):
            raise GivenUpError(
                f"routing does not end: after {number} rounds {overused:,} wires are used twice, {self._best:,} in the "
                "best round; the device is too full for so many connections: fold for fewer logic cells "
                "(bnnhw fold --cells N), or for a larger board"
            )

    def _packing(self) -> tuple[float, str]:
        return _PACK, "packing"

    def _placing(self) -> tuple[float, str]:
        self._refines = False
        self._placing_since = time.monotonic()
        return _PLACE, "placing"

    def _placed(self, number: str) -> tuple[float, str]:
        """A round of the analytic placer, whose number it does not know in advance, or of the one behind it."""
        begin, end, what = (_REFINE, _ROUTE, "refining") if self._refines else (_PLACE, _REFINE, "placing")
        done = min(int(number) / _ROUNDS, 1.0)
        return begin + (end - begin) * done, f"{what}, round {number}"

    def _legalising(self, cells: str) -> tuple[float, str]:
        """The static placer, looking for a place for each cell near to where it is."""
        self._patience = max(_LEAST_S, _LEGAL * (time.monotonic() - self._placing_since))
        return self._spread_so_far, f"placing, {int(cells):,} cells made legal"

    def _spread(self, share: str) -> tuple[float, str]:
        """The static placer, which ends where few cells lie on each other."""
        self._spread_so_far = _PLACE + (_REFINE - _PLACE) * (1 - float(share) / 100)
        return self._spread_so_far, f"placing, {float(share):.0f} % overlap"

    def _refining(self) -> tuple[float, str]:
        self._refines = True
        return _REFINE, "refining"

    def _routing(self, arcs: str) -> tuple[float, str]:
        self._arcs = int(arcs)
        return _ROUTE, "routing"

    def _routed(self, left: str) -> tuple[float, str]:
        """A line of router1's table, with the arcs that remain."""
        done = max(0.0, 1 - int(left) / self._arcs) if self._arcs else 1.0
        return _ROUTE + (_END - _ROUTE) * done, f"routing, {int(left):,} connections left"

    def _untangled(self, number: str, wires: str) -> tuple[float, str]:
        """A round of router2: what must still fall to 0 is the number of overused wires."""
        overused = int(wires)
        self._astray(int(number), overused)
        self._overused = max(self._overused, overused)
        done = 1 - overused / self._overused if self._overused else 1.0
        return _ROUTE + (_END - _ROUTE) * done, f"routing, {overused:,} wires used twice"


class YosysWatcher:
    """Reads Yosys' log: each pass, and errors.

    How many passes there will be is not known: the fraction goes on at each of them, ever slower.

    Parameters
    ----------
    progress : callable, optional
    """

    HALF = 150
    """Passes after which half is said to be done: a usual design takes about 320, one of many modules thousands."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress
        self.errors: list[str] = []
        self._passes = 0

    def __call__(self, text: str) -> None:
        if text.startswith("ERROR: "):
            self.errors.append(text.removeprefix("ERROR: "))
        if (
            self.progress is None
            or (match := re.match(r"[\d.]+ Executing (\S+)(?: pass)?(?: \((.*?)\))?", text)) is None
        ):
            return
        self._passes += 1
        self.progress(self._passes / (self._passes + self.HALF), match[2] or match[1])
