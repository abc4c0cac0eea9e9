"""The roofline: what each layer computes per cycle, under what the chip's logic and its block RAMs allow.

Over XNORs per weight bit that is read lie XNORs per cycle. Logic is a level ceiling. Block RAM is a sloping one: of a
layer that makes n XNORs of each bit it reads, n times the bits that all block RAMs give. Both axes are logarithmic.
(Williams, Waterman, Patterson: Roofline, CACM 52(4), 2009.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Load", "Roofline", "loads", "roofline"]

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 70, 14, 34
"""Margins of the picture; the right one is the place of layers that read no weights from block RAM."""

LEAST_SPAN = 16.0
"""The axis of XNORs per bit goes up to this at least."""


@dataclass(frozen=True)
class Load:
    """What a layer asks of the chip.

    Parameters
    ----------
    name : str
    peak, average : float
        XNORs per cycle: while the layer works, and of all cycles of a frame.
    intensity : float, optional
        XNORs per weight bit read; None where no weights are in block RAM.
    bits : float
        Weight bits read per cycle while the layer works.
    """

    name: str
    peak: float
    average: float
    intensity: float | None
    bits: float


@dataclass(frozen=True)
class Dot:
    """A layer in the picture: at its peak, with a line down to its average."""

    name: str
    number: int
    x: float
    y: float
    foot: float


@dataclass(frozen=True)
class Tick:
    """A mark of an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Roofline:
    """The picture.

    Parameters
    ----------
    width, height : int
    left, right, top, bottom : float
        Edges of the plane; behind ``right`` are the layers that read no weights.
    roof : str
        The SVG path of the two ceilings.
    across, up : tuple of Tick
    dots : tuple of Dot
    rows : tuple of (int, Load, float, float or None)
        Number, layer, its shares of the logic's ceiling and of that of the block RAMs.
    compute, bandwidth : int
        The ceilings.
    """

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    roof: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    rows: tuple[tuple[int, Load, float, float | None], ...]
    compute: int
    bandwidth: int


def loads(network: Mapping[str, Any], fold: Mapping[str, Any]) -> tuple[Load, ...]:
    """What the matrix layers of a folded network ask of a chip."""
    folded = {layer["name"]: layer for layer in fold.get("layers", ())}
    frame = fold.get("cycles_per_frame", 0)
    found: list[Load] = []
    for layer in network.get("layers", ()):
        how = folded.get(layer["name"])
        if how is None or not layer.get("macs") or not how["cycles"] or not frame:
            continue
        planes = layer["input_bits"]
        # A bit of a weight meets every bit of an input element.
        bits = layer["macs"] * layer["weight_bits"]
        xnors = bits * planes
        serial = how.get("planes") == "serial"
        # A word that is read is used for all vectors that share it.
        read = bits * (planes if serial else 1) / how.get("vectors", 1) if how["memory"] == "block" else 0
        found.append(
            Load(
                layer["name"],
                xnors / how["cycles"],
                xnors / frame,
                xnors / read if read else None,
                read / how["cycles"],
            )
        )
    return tuple(found)


def roofline(network: Mapping[str, Any], fold: Mapping[str, Any]) -> Roofline | None:
    """The picture of a folded network on its chip; None where either is not known."""
    chip, layers = fold.get("chip"), loads(network, fold)
    if not chip or not layers:
        return None
    compute, bandwidth = chip["xnors_per_cycle"], chip["weight_bits_per_cycle"]
    ridge = compute / bandwidth if bandwidth else LEAST_SPAN
    across = _decades(2, max(LEAST_SPAN, 2 * ridge, *(layer.intensity or 0 for layer in layers)))
    least, most = min(layer.average for layer in layers), max(compute, *(layer.peak for layer in layers))
    low = 10 ** math.floor(math.log10(min(least, bandwidth or compute)))
    up = _decades(10, most / low)
    right, bottom = float(WIDTH - RIGHT), float(HEIGHT - BOTTOM)

    def x(intensity: float) -> float:
        # A dot at 1 stands clear of the axis.
        return round(LEFT + NEAR + (right - LEFT - NEAR) * math.log(intensity, across[-1]), 1)

    def y(xnors: float) -> float:
        return round(bottom - (bottom - TOP) * math.log(max(xnors / low, 1.0), up[-1]), 1)

    roof = f"M{LEFT} {y(compute)}H{right}"
    if bandwidth:
        # The slope ends where it meets the level.
        start = f"M{x(1)} {y(min(bandwidth, compute))}"
        roof = f"{start}L{x(max(ridge, 1.0))} {y(compute)}H{right}"
    outside = right + NEAR
    dots = tuple(
        Dot(
            layer.name,
            number,
            outside if layer.intensity is None else x(layer.intensity),
            y(layer.peak),
            y(layer.average),
        )
        for number, layer in enumerate(layers, 1)
    )
    return Roofline(
        WIDTH,
        HEIGHT,
        LEFT,
        right,
        TOP,
        bottom,
        roof,
        tuple(Tick(x(value), f"{value:g}") for value in across),
        tuple(Tick(y(low * value), _short(low * value)) for value in up),
        _apart(dots),
        tuple(
            (number, layer, layer.peak / compute, layer.bits / bandwidth if bandwidth and layer.bits else None)
            for number, layer in enumerate(layers, 1)
        ),
        compute,
        bandwidth,
    )


def _decades(base: int, most: float) -> tuple[float, ...]:
    """Powers of a base from 1 to the first that is not less than ``most``."""
    return tuple(float(base**i) for i in range(1 + max(1, math.ceil(math.log(most, base) - 1e-9))))


NEAR = 16.0
"""Dots nearer to each other are moved apart, side by side."""


def _apart(dots: tuple[Dot, ...]) -> tuple[Dot, ...]:
    placed: list[Dot] = []
    for dot in dots:
        x, most = dot.x, WIDTH - (RIGHT if dot.x <= WIDTH - RIGHT else NEAR / 2)
        while x + NEAR <= most and any(abs(x - other.x) < NEAR > abs(dot.y - other.y) for other in placed):
            x += NEAR
        placed.append(Dot(dot.name, dot.number, x, dot.y, dot.foot))
    return tuple(placed)


def _short(value: float) -> str:
    """1, 10, 1k, 1M."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{suffix}"
    return f"{value:g}"
