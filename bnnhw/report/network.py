"""The network as a graph: a box per layer, left to right, branches below each other, where they fork and meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["HEIGHT", "WIDTH", "Box", "Join", "Picture", "picture"]

WIDTH, HEIGHT, GAP = 168, 196, 44
"""Of a box, and the room between two, in SVG units."""

LETTERS = 19
"""Of a name, at most."""

APART = 24
"""Between one branch and the next."""

WIRE = 36
"""Height of a branch without layers."""

LATTICE = 8
"""Most rows and columns of dots drawn for PE x SIMD; more are drawn as this many, the figures say the rest."""

JOIN = 13
"""Radius of where branches meet."""

SIGNS = {"residual": "+", "concat": "‖"}
"""What is written there, by the kind of layer."""


@dataclass(frozen=True)
class Box:
    """One layer.

    Parameters
    ----------
    x, y : int
        Left and upper edge.
    name : str
        Of the layer.
    title, size, folding : str
        The lines of text; a long name by its end, which tells layers of one branch apart.
    rows, columns : int
        Dots that stand for PE and SIMD.
    cycles : int
    share : float
        ``cycles`` over those of the slowest layer, 0 to 1.
    """

    x: int
    y: int
    name: str
    title: str
    size: str
    folding: str
    rows: int
    columns: int
    cycles: int
    share: float


@dataclass(frozen=True)
class Join:
    """Where branches meet: its middle, what it says, and the layer that it is."""

    x: int
    y: int
    sign: str
    title: str


@dataclass
class Picture:
    """What is drawn, and how large it is.

    Parameters
    ----------
    wires : list of (str, bool)
        SVG paths, and whether they end in an arrow.
    """

    boxes: list[Box] = field(default_factory=list)
    joins: list[Join] = field(default_factory=list)
    wires: list[tuple[str, bool]] = field(default_factory=list)
    width: int = 0
    height: int = 0


def picture(network: Mapping[str, Any], fold: Mapping[str, Any]) -> Picture:
    """The layers of a network, with their folding where one is known.

    Parameters
    ----------
    network : mapping
        What :func:`bnnhw.flow.show.describe` says.
    fold : mapping
        What ``bnnhw fold`` says; may be empty.
    """
    folded = {layer["name"]: layer for layer in fold.get("layers", ())}
    drawn = Picture()
    layers = [row for row in network.get("layers", ()) if row["kind"] != "output"]
    if layers:
        _Drawing(layers, folded, drawn).chain(None, None, 0, 0, None)
    return drawn


class _Drawing:
    """Puts layers into a picture.

    Parameters
    ----------
    layers : sequence of mapping
        Each with the ``residual`` layer and the ``branch`` of it that it is in.
    """

    def __init__(self, layers: Sequence[Mapping[str, Any]], folded: Mapping[str, Any], drawn: Picture) -> None:
        self._layers, self._folded, self._drawn = layers, folded, drawn
        self._slowest = max((layer["cycles"] for layer in folded.values()), default=0)

    def chain(
        self, inside: str | None, branch: str | None, x: int, y: int, start: tuple[int, int] | None
    ) -> tuple[int, int, tuple[int, int]]:
        """A chain of layers from a place on; its right and its lower edge, and where its wire leaves."""
        bottom, at = y, start
        for row in self._layers:
            if (row.get("residual"), row.get("branch")) != (inside, branch):
                continue
            names = dict.fromkeys(r["branch"] for r in self._layers if r.get("residual") == row["name"])
            if names:
                x, low, at = self._fork(row, [*names], x, y, at)
            else:
                low = self._box(row, x, y)
                if at is not None:
                    self._wire(at, (x, y + HEIGHT // 2))
                at = (x + WIDTH, y + HEIGHT // 2)
                x += WIDTH
            bottom = max(bottom, low)
            x += GAP
        assert at is not None, "a chain has layers"
        self._drawn.width, self._drawn.height = max(self._drawn.width, x - GAP), max(self._drawn.height, bottom)
        return x - GAP, bottom, at

    def _fork(
        self, row: Mapping[str, Any], names: list[str], x: int, y: int, start: tuple[int, int] | None
    ) -> tuple[int, int, tuple[int, int]]:
        """A layer of branches: these below each other, one without layers as a wire, and where they meet."""
        if start is None:
            start = (x, y + HEIGHT // 2)
            x += GAP
        right, low, ends = x, y, list[tuple[int, int]]()
        for name in names:
            edge, low, end = self.chain(row["name"], name, x, low + (APART if ends else 0), start)
            right = max(right, edge)
            ends.append(end)
        if len(names) == 1:
            low += APART + WIRE
            middle = (x, low - WIRE // 2)
            self._wire(start, middle, head=False)
            ends.append(middle)
        join = (right + GAP + JOIN, y + HEIGHT // 2)
        sign = SIGNS.get(row["kind"], "")
        self._drawn.joins.append(Join(*join, sign, row["name"]))
        for number, end in enumerate(ends):
            # The first comes from the left, the others from below.
            if number == 0:
                self._wire(end, (join[0] - JOIN, join[1]))
            else:
                turn = f"H{join[0] - 12} Q{join[0]} {end[1]} {join[0]} {end[1] - 12}"
                self._drawn.wires.append((f"M{end[0]} {end[1]} {turn} V{join[1] + JOIN + 3}", True))
        return join[0] + JOIN, low, (join[0] + JOIN, join[1])

    def _wire(self, start: tuple[int, int], end: tuple[int, int], *, head: bool = True) -> None:
        x, short = start[0] + GAP // 2, 3 if head else 0
        if start[1] == end[1]:
            self._drawn.wires.append((f"M{start[0]} {start[1]} H{end[0] - short}", head))
            return
        down = 8 if end[1] > start[1] else -8
        down_there = f"H{x - 8} Q{x} {start[1]} {x} {start[1] + down} V{end[1] - down}"
        self._drawn.wires.append(
            (f"M{start[0]} {start[1]} {down_there} Q{x} {end[1]} {x + 8} {end[1]} H{end[0] - short}", head)
        )

    def _box(self, row: Mapping[str, Any], x: int, y: int) -> int:
        how = self._folded.get(row["name"], {})
        pe, simd, cycles = how.get("pe", 0), how.get("simd", 0), how.get("cycles", 0)
        self._drawn.boxes.append(
            Box(
                x=x,
                y=y,
                title=row["name"] if len(row["name"]) <= LETTERS else f"…{row['name'][1 - LETTERS :]}",
                name=row["name"],
                size=f"{row['inputs']} → {row['outputs']}",
                folding=f"PE {pe} × SIMD {simd}, {_kept(how)}" if how else "",
                rows=min(pe, LATTICE),
                columns=min(simd, LATTICE),
                cycles=cycles,
                share=cycles / self._slowest if self._slowest else 0.0,
            )
        )
        return y + HEIGHT


def _kept(how: Mapping[str, Any]) -> str:
    """Where a layer's weights are, and whether its bit planes come one after another."""
    return f"{how.get('memory', '')}{', bit-serial' if how.get('planes') == 'serial' else ''}"
