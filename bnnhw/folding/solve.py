"""Chooses a folding: the fastest whose estimated cost fits a board, or the cheapest that is fast enough.

The layers' foldings are chosen together, exactly (:mod:`bnnhw.folding.choices`). What lies between them, width
converters most of all, depends on what was chosen: it is known once a choice is lowered, and where a choice overruns
the device with it, another is made that leaves it so much more room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from math import inf
from typing import Protocol

import numpy as np

from bnnhw.dataflow.resources import NOTHING, Resources
from bnnhw.devices import Family
from bnnhw.errors import CheckError
from bnnhw.folding.choices import Choices, Room, choose, spent
from bnnhw.folding.folded import FoldedNetwork
from bnnhw.folding.predict import predict
from bnnhw.ir import Layer, Network, Window, walk
from bnnhw.lowering.columns import column_windows, columns_misfit

__all__ = ["CELL_SHARE", "MODEST_CELLS", "Device", "Solver"]

CELL_SHARE = 0.80
"""Share of a device's logic cells an estimate may take: the rest is the estimate's error, and room to route."""

MODEST_CELLS = 4000
"""Logic cells up to which place and route takes about a minute: what :meth:`Solver.modest` stays within."""

VECTORS = (2, 4)
"""Numbers of vectors that share a weight word, compared where no folding of one at a time will do."""

EXCHANGES = 7_500
"""Foldings that are tried in the stead of others, over the square of the layers: 300 of five, 52 of twelve."""

WORTH_EXCHANGING = 0.25
"""Share of the device by which picks may be too large for exchanges to be tried."""

NEAREST = 4
"""Foldings of each layer that are tried at least."""

CORRECTIONS = 4
"""Times that a choice is made again: of less room for what lies between, of fewer cycles for units that wait."""


class Device(Protocol):
    """What the solver needs to know of a board."""

    @property
    def name(self) -> str: ...
    @property
    def family(self) -> Family: ...
    @property
    def lut4(self) -> int: ...
    @property
    def block_rams(self) -> int: ...
    @property
    def filled_sprams(self) -> int: ...


def _least(layer: Layer) -> int:
    """Cycles per frame that a layer's window unit takes with all channels in a word; no folding makes it quicker."""
    return 1 if layer.window is None else _words(layer.window)


def _least_in_columns(layer: Layer) -> int:
    """The same, with the taps of a window that has columns of them coming as such."""
    window = layer.window
    if window is None or columns_misfit(layer):
        return _least(layer)
    return min(_words(window), max(map(_words, column_windows(window))))


def _words(window: Window) -> int:
    """Words per frame on the busier side of a window unit, all channels in one."""
    return max(window.height * window.width, window.positions * window.area)


class Solver:
    """Chooses foldings of a network on a device.

    Parameters
    ----------
    network : Network
        Streamlined.
    device : Device
    reserve : Resources
        What beside the accelerator must fit too: its link.
    engines : sequence of str
        Those to choose from (:class:`~bnnhw.folding.choices.Choices`).
    large : callable, optional
        Whether a layer is too large for any engine but the first; by default none is.
    loader : Resources
        What fills SPRAM takes on top, where any is used: of a device that fills some. Weights are put there where
        block RAM is short.
    writable : bool
        Whether all weights and thresholds are to be such that they can be replaced while the device runs.
    """

    def __init__(
        self,
        network: Network,
        device: Device,
        *,
        reserve: Resources = NOTHING,
        engines: Sequence[str] = ("folded",),
        large: Callable[[Layer], bool] = lambda layer: False,  # noqa: ARG005
        loader: Resources = NOTHING,
        writable: bool = False,
    ) -> None:
        self.network = network
        self.device = device
        self.reserve = reserve
        self._layers = tuple(walk(network.chain))
        self._room = Room(CELL_SHARE * device.lut4, device.block_rams, device.filled_sprams)
        self._loader = loader
        self._engines = [(layer, engines[:1] if large(layer) else engines) for layer in self._layers]
        self._writable = writable
        self._choices = self._compared(0)
        self._shared: dict[range, list[Choices]] = {}

    @property
    def least(self) -> int:
        """Cycles per frame that no folding goes below, of whatever engine."""
        return max(map(_least, self._layers))

    def _compared(self, sprams: int, vectors: Sequence[int] = (), cycles: range = range(0)) -> list[Choices]:
        """The foldings of every layer with weights, of which some are in at most so many SPRAMs."""
        family = self.device.family
        return [
            Choices(layer, family, engines, sprams=sprams, writable=self._writable, vectors=vectors, cycles=cycles)
            for layer, engines in self._engines
            if layer.matrix is not None
        ]

    @cached_property
    def _in_spram(self) -> list[Choices]:
        """The same, with those whose weights are in SPRAM; none on a device without."""
        sprams = self.device.filled_sprams
        return self._compared(sprams) if sprams else []

    def _sharing(self, cycles: range) -> list[Choices]:
        """The same, with those whose weight words several vectors share, which brings them within the cycles."""
        if cycles not in self._shared:
            self._shared[cycles] = self._compared(0, VECTORS, cycles)
        return self._shared[cycles]

    def fastest(self, cells: float = inf, *, spram: bool = True) -> FoldedNetwork:
        """The folding with the fewest cycles per frame whose estimate fits the device, what is reserved included.

        With ``cells``, one of at most so many logic cells. The least number of cycles that all layers have a folding
        within, and that fits, is searched by halving; without ``cells`` then fewer cycles than that, with weight words
        that several vectors share and taps in columns.

        Parameters
        ----------
        cells : float
        spram : bool
            Whether weights may be in SPRAM, where the device has some that is filled.

        Raises
        ------
        CheckError
            When not even the smallest folding fits; the message says how much too big it is.
        """
        room = replace(self._room, cells=min(self._room.cells, cells))
        widest = (self._in_spram if spram else []) or self._choices
        low = self.least
        high = max(low, *(int(choice.cycles[-1]) for choice in (*self._choices, *widest)))
        best = self._within(high, room, spram=spram)
        if best is None:
            cost = self._cost(self._folded([choice.cheapest(self._room) for choice in widest], widest))
            sprams = f", {cost.spram} of its {self.device.filled_sprams} SPRAMs" if cost.spram else ""
            raise CheckError(
                f"the network does not fit {self.device.name} even at its smallest: "
                f"about {cost.cells} logic cells of {self.device.lut4}, "
                f"{cost.bram} block RAMs of {self.device.block_rams}{sprams}"
            )
        while low < high:
            middle = (low + high) // 2
            folded = self._within(middle, room, spram=spram)
            if folded is not None:
                best, high = folded, middle
            else:
                low = middle + 1
        return best if cells < inf else self._faster(best, high)

    def _faster(self, best: FoldedNetwork, high: int) -> FoldedNetwork:
        """The fastest with shared weight words, where it takes fewer cycles than ``high``; else ``best``."""
        low = max(map(_least_in_columns, self._layers))
        sharing = self._sharing(range(low, high))
        while low < high:
            middle = (low + high) // 2
            folded = self._chosen(sharing, middle, self._room)
            if folded is not None:
                best, high = folded, middle
            else:
                low = middle + 1
        return best

    def modest(self) -> FoldedNetwork:
        """The fastest folding that is quick to place and route; the fastest of all where none is that small.

        Of one whose weights are in SPRAM only where no other fits: its board needs an image beside its bitstream.
        """
        for spram in (False, True) if self.device.filled_sprams else (False,):
            for cells in (MODEST_CELLS, inf):
                with suppress(CheckError):
                    return self.fastest(cells, spram=spram)
        return self.fastest()

    def cheapest(self, cycles: int) -> FoldedNetwork | None:
        """The folding of the least estimated cost of at most so many cycles per frame; None when none fits."""
        target, before = cycles, None
        for _ in range(CORRECTIONS):
            folded = self._within(target, self._room)
            if folded is None and target >= max(map(_least_in_columns, self._layers)):
                folded = self._chosen(self._sharing(range(cycles // 2, cycles)), target, self._room)
            if folded is None:
                return None
            found = predict(folded.graph(self.device.family.technology))
            excess = found.cycles_per_frame - cycles
            if excess <= 0:
                return folded
            # Units that are each quick enough wait for each other: quicker ones wait less.
            slowest = max(unit.cycles for unit in found.layers)
            target = (min(target, slowest) if folded == before else target) - excess
            before = folded
        return None

    def _within(self, cycles: int, room: Room, *, spram: bool = True) -> FoldedNetwork | None:
        """The cheapest folding of every layer within ``cycles`` cycles, if there is one of each and all fit."""
        if cycles < self.least:
            return None
        for choices in (self._choices, self._in_spram if spram else []):
            if choices and (found := self._chosen(choices, cycles, room)) is not None:
                return found
        return None

    def _chosen(self, choices: Sequence[Choices], cycles: int, room: Room) -> FoldedNetwork | None:
        """The same, of some foldings."""
        left, last = room - Room.of(self.reserve), list[int]()
        for _ in range(CORRECTIONS):
            picks = choose(choices, cycles, left, self._room)
            if picks is None:
                break
            last, whole = picks, self._whole(choices, picks, cycles)
            if room.holds(whole):
                return self._folded(picks, choices, cycles)
            # What lies between the layers is known now: so much less is left for them.
            left = room - (whole - spent(choices, picks))
        last = self._exchanged(choices, last, cycles, room) if last else last
        fits = bool(last) and room.holds(self._whole(choices, last, cycles))
        return self._folded(last, choices, cycles) if fits else None

    def _exchanged(self, choices: Sequence[Choices], picks: list[int], cycles: int, room: Room) -> list[int]:
        """Picks that are less too large, what lies between the layers counted, or fit.

        One layer's folding after the other's is exchanged, those that cost little themselves are tried first, and so
        many in all as :data:`EXCHANGES` says.
        """

        def over(tried: list[int]) -> float:
            whole = self._whole(choices, tried, cycles)
            cells, blocks = max(whole.cells - room.cells, 0), max(whole.blocks - room.blocks, 0)
            return cells / self._room.cells + blocks / max(self._room.blocks, 1) + max(whole.sprams - room.sprams, 0)

        tries, least = EXCHANGES // len(self._layers) ** 2, over(picks)
        orders = [
            np.argsort(self._room.share(c.cells[:n], c.blocks[:n], c.sprams[:n]), kind="stable").tolist()
            for c in choices
            for n in (c.within(cycles),)
        ]
        before = inf
        # What is far too large does not become small enough by exchanging.
        while 0 < least < min(before, WORTH_EXCHANGING):
            before = least
            for layer, order in enumerate(orders):
                for other in order[: max(tries // len(orders), NEAREST)]:
                    if tries == 0 or least == 0:
                        return picks
                    tries -= 1
                    tried = [*picks[:layer], other, *picks[layer + 1 :]]
                    if (cost := over(tried)) < least:
                        picks, least = tried, cost
        return picks

    def _whole(self, choices: Sequence[Choices], picks: Sequence[int], cycles: int) -> Room:
        """What picks take with all that lies between the layers, and what is reserved."""
        return Room.of(self._cost(self._folded(picks, choices, cycles)))

    def _folded(self, picks: Sequence[int], choices: Sequence[Choices], cycles: float = inf) -> FoldedNetwork:
        """The network with one of its layers' choices each, their taps in columns where ``cycles`` need that."""
        layers = (layer for layer in self._layers if layer.matrix is not None)
        foldings = tuple(
            replace(choice.foldings[pick], columns=_least(layer) > cycles and columns_misfit(layer) is None)
            for layer, choice, pick in zip(layers, choices, picks, strict=True)
        )
        return FoldedNetwork(self.network, foldings)

    def _cost(self, folded: FoldedNetwork) -> Resources:
        """The estimated cost, what is reserved included."""
        cost = folded.graph(self.device.family.technology, quick=True).resources() + self.reserve
        return cost + self._loader if cost.spram else cost
