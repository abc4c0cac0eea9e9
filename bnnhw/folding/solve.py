"""Chooses a folding: the fastest whose estimated cost fits a board, or the cheapest that is fast enough.

The layers' foldings are chosen together, exactly (:mod:`bnnhw.folding.choices`). What lies between them, width
converters most of all, depends on what was chosen: it is known once a choice is lowered, and where a choice overruns
the device with it, another is made that leaves it so much more room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from math import inf
from typing import Protocol

from bnnhw.dataflow.resources import NOTHING, Resources
from bnnhw.devices import Family
from bnnhw.errors import CheckError
from bnnhw.folding.beyond import Beyond, beyond
from bnnhw.folding.choices import Choices, Room, choose, spent
from bnnhw.folding.costs import Costs
from bnnhw.folding.exchange import exchanged
from bnnhw.folding.folded import FoldedNetwork
from bnnhw.folding.least import least, least_in_columns
from bnnhw.folding.predict import predict
from bnnhw.folding.prompt import prompt
from bnnhw.ir import Layer, Network, walk
from bnnhw.lowering.columns import columns_misfit

__all__ = ["CELL_SHARE", "MODEST_CELLS", "Device", "Solver"]

CELL_SHARE = 0.80
"""Share of a device's logic cells an estimate may take: the rest is the estimate's error, and room to route."""

MODEST_CELLS = 4000
"""Logic cells up to which place and route takes about a minute: what :meth:`Solver.modest` stays within."""

VECTORS = ((2, 4), (2, 3, 4))
"""Numbers of vectors that share a weight word, compared where no folding of one at a time will do; where those are not
enough, the next. Of as many cycles three were cheaper in cells for CNV-W1A1, their words wider and worse to route."""

EXCHANGES = 7_500
"""Foldings that are tried in the stead of others, over the square of the layers: 300 of five, 52 of twelve."""

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


def _halved(
    found: Callable[[int], FoldedNetwork | None], low: int, high: int, best: FoldedNetwork
) -> tuple[FoldedNetwork, int]:
    """What is found of the fewest cycles, of ``low`` at least, and those; ``best`` is that of ``high``."""
    while low < high:
        middle = (low + high) // 2
        if (folded := found(middle)) is not None:
            best, high = folded, middle
        else:
            low = middle + 1
    return best, high


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
    costs : Costs, optional
        What is known of the costs of units on the family.
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
        costs: Costs | None = None,
    ) -> None:
        self.network = network
        self.device = device
        self.reserve = reserve
        self._layers = tuple(walk(network.chain))
        self.room = Room(CELL_SHARE * device.lut4, device.block_rams, device.filled_sprams)
        self._loader = loader
        self._engines = [(layer, engines[:1] if large(layer) else engines) for layer in self._layers]
        self._writable = writable
        self._costs = Costs(device.family.technology) if costs is None else costs
        self.choices = self._compared(0)
        self._shared: dict[tuple[range, Sequence[int]], list[Choices]] = {}

    @property
    def least(self) -> int:
        """Cycles per frame that no folding goes below, of whatever engine."""
        return max(map(least, self._layers))

    @property
    def least_in_columns(self) -> int:
        """The same, with the taps of windows in columns where they can be."""
        return max(map(least_in_columns, self._layers))

    def _compared(self, sprams: int, vectors: Sequence[int] = (), cycles: range = range(0)) -> list[Choices]:
        """The foldings of every layer with weights, of which some are in at most so many SPRAMs."""
        family = self.device.family
        layers = [(layer, engines) for layer, engines in self._engines if layer.matrix is not None]
        return [
            Choices(
                layer,
                family,
                engines,
                sprams=sprams,
                writable=self._writable,
                vectors=vectors,
                cycles=cycles,
                alone=self.choices[number] if vectors else None,
                costs=self._costs,
            )
            for number, (layer, engines) in enumerate(layers)
        ]

    @cached_property
    def _in_spram(self) -> list[Choices]:
        """The same, with those whose weights are in SPRAM; none on a device without."""
        sprams = self.device.filled_sprams
        return self._compared(sprams) if sprams else []

    def sharing(self, cycles: range, vectors: Sequence[int] = VECTORS[-1]) -> list[Choices]:
        """The same, with those whose weight words so many vectors share, which brings them within the cycles."""
        if (cycles, vectors) not in self._shared:
            self._shared[cycles, vectors] = self._compared(0, vectors, cycles)
        return self._shared[cycles, vectors]

    def compared(self, cycles: int) -> list[list[Choices]]:
        """Those of one vector for each weight word, and those that were compared before for so many cycles."""
        alone = [self.choices] if cycles >= self.least else []
        return alone + [choices for (within, _), choices in self._shared.items() if cycles in within]

    def room_for(self, choices: Sequence[Choices], picks: Sequence[int], room: Room) -> Room:
        """What of a room picks may take: less where weight words are shared, whose wires fill a device."""
        if all(choice.foldings[pick].vectors == 1 for choice, pick in zip(choices, picks, strict=True)):
            return room
        lut4, blocks = self.device.lut4, max(self.device.block_rams, 1)
        together = self.device.family.technology.fullness * lut4
        return replace(room, together=together, block_cells=lut4 / blocks)

    def fastest(self, cells: float = inf, *, spram: bool = True, sharing: bool = True) -> FoldedNetwork:
        """The folding with the fewest cycles per frame whose estimate fits the device, what is reserved included.

        With ``cells``, one of at most so many logic cells. The least number of cycles that all layers have a folding
        within, and that fits, is searched by halving; then fewer cycles than that, with weight words that several
        vectors share and taps in columns.

        Parameters
        ----------
        cells : float
        spram : bool
            Whether weights may be in SPRAM, where the device has some that is filled.
        sharing : bool
            Whether weight words may be shared.

        Raises
        ------
        CheckError
            When not even the smallest folding fits; the message says how much too big it is.
        """
        room = replace(self.room, cells=min(self.room.cells, cells))
        widest = (self._in_spram if spram else []) or self.choices
        low = self.least
        high = max(low, *(int(choice.cycles[-1]) for choice in (*self.choices, *widest)))
        best = self._within(high, room, spram=spram)
        if best is None:
            cost = self.cost(self.folded([choice.cheapest(self.room) for choice in widest], widest))
            sprams = f", {cost.spram} of its {self.device.filled_sprams} SPRAMs" if cost.spram else ""
            taken = f"{cost.bram} block RAMs of {self.device.block_rams}{sprams}"
            if cells < self.room.cells:
                raise CheckError(
                    f"no folding for {self.device.name} takes at most {cells:.0f} logic cells: the smallest takes "
                    f"about {cost.cells}, {taken}"
                )
            raise CheckError(
                f"the network does not fit {self.device.name} even at its smallest: "
                f"about {cost.cells} logic cells of {self.device.lut4}, {taken}"
            )
        best, high = _halved(lambda cycles: self._within(cycles, room, spram=spram), low, high, best)
        return self._faster(best, high, room) if sharing else best

    def _faster(self, best: FoldedNetwork, high: int, room: Room) -> FoldedNetwork:
        """The fastest with shared weight words, where it takes fewer cycles than ``high``; else ``best``."""
        lowest = self.least_in_columns
        for number, vectors in enumerate(VECTORS):
            chosen = partial(self._chosen, self.sharing(range(lowest, high), vectors), room=room)
            # What is not quicker by one cycle is not by many, and not searched for.
            if number and (lowest >= high or chosen(high - 1) is None):
                break
            best, high = _halved(chosen, lowest, high, best)
        return best

    def modest(self) -> FoldedNetwork:
        """The fastest folding that is quick to place and route; the fastest of all where none is that small.

        Of one whose weights are in SPRAM only where no other fits: its board needs an image beside its bitstream.
        """
        for spram in (False, True) if self.device.filled_sprams else (False,):
            for cells in (MODEST_CELLS, inf):
                with suppress(CheckError):
                    return self.fastest(cells, spram=spram, sharing=cells == inf)
        return self.fastest()

    def cheapest(self, cycles: int) -> FoldedNetwork | None:
        """The folding of the least estimated cost of at most so many cycles per frame; None when none fits."""
        target, before = cycles, None
        for _ in range(CORRECTIONS):
            folded = self._within(target, self.room)
            for vectors in VECTORS if target >= self.least_in_columns else ():
                if folded is None:
                    folded = self._chosen(self.sharing(range(cycles // 2, cycles), vectors), target, self.room)
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

    def within(self, cells: float) -> FoldedNetwork:
        """The folding with the fewest cycles per frame of at most so many logic cells (:meth:`fastest`)."""
        return self.fastest(cells)

    def prompt(self, latency: int) -> FoldedNetwork | None:
        """The folding of the least estimated cost found of at most so many cycles of latency; None when none fits."""
        return prompt(self, latency)

    def beyond(self, cycles: int, cells: float = inf) -> Beyond | None:
        """What the cheapest folding within so many cycles would take (:func:`~bnnhw.folding.beyond.beyond`)."""
        return beyond(self, cycles, cells)

    def slowest(self, folded: FoldedNetwork) -> int:
        """Cycles of the slowest unit of a folding, which a frame takes no fewer than."""
        graph = folded.graph(self.device.family.technology, quick=True)
        return max(node.unit.interval for node in graph.nodes)

    def _within(self, cycles: int, room: Room, *, spram: bool = True) -> FoldedNetwork | None:
        """The cheapest folding of every layer within ``cycles`` cycles, if there is one of each and all fit."""
        if cycles < self.least:
            return None
        for choices in (self.choices, self._in_spram if spram else []):
            if choices and (found := self._chosen(choices, cycles, room)) is not None:
                return found
        return None

    def _chosen(self, choices: Sequence[Choices], cycles: int, room: Room) -> FoldedNetwork | None:
        """The same, of some foldings."""
        picks = self.picked(choices, cycles, room)
        if picks is not None:
            routed = self.room_for(choices, picks, room)
            if not routed.holds(self._whole(choices, picks, cycles)):
                picks = self.picked(choices, cycles, routed)
        return None if picks is None else self.folded(picks, choices, cycles)

    def picked(self, choices: Sequence[Choices], cycles: int, room: Room) -> tuple[int, ...] | None:
        """Which folding of each layer that is."""
        left, last = room - Room.of(self.reserve), list[int]()
        for _ in range(CORRECTIONS):
            picks = choose(choices, cycles, left, self.room)
            if picks is None:
                break
            last, whole = picks, self._whole(choices, picks, cycles)
            if room.holds(whole):
                return tuple(picks)
            # What lies between the layers is known now: so much less is left for them.
            left = room - (whole - spent(choices, picks))
        last = self._exchanged(choices, last, cycles, room) if last else last
        return tuple(last) if last and room.holds(self._whole(choices, last, cycles)) else None

    def _exchanged(self, choices: Sequence[Choices], picks: list[int], cycles: int, room: Room) -> list[int]:
        """Picks that are less too large, what lies between the layers counted, or fit."""

        def over(tried: list[int]) -> float:
            whole = self._whole(choices, tried, cycles)
            cells = max(whole.cells - float(room.cells_beside(whole.blocks)), 0)
            blocks = max(whole.blocks - room.blocks, 0)
            return cells / self.room.cells + blocks / max(self.room.blocks, 1) + max(whole.sprams - room.sprams, 0)

        return exchanged(choices, picks, cycles, self.room, over, EXCHANGES // len(self._layers) ** 2)

    def _whole(self, choices: Sequence[Choices], picks: Sequence[int], cycles: int) -> Room:
        """What picks take with all that lies between the layers, and what is reserved."""
        return Room.of(self.cost(self.folded(picks, choices, cycles)))

    def folded(self, picks: Sequence[int], choices: Sequence[Choices], cycles: float = inf) -> FoldedNetwork:
        """The network with one of its layers' choices each, their taps in columns where ``cycles`` need that."""
        layers = (layer for layer in self._layers if layer.matrix is not None)
        foldings = tuple(
            replace(choice.foldings[pick], columns=least(layer) > cycles and columns_misfit(layer) is None)
            for layer, choice, pick in zip(layers, choices, picks, strict=True)
        )
        return FoldedNetwork(self.network, foldings)

    def cost(self, folded: FoldedNetwork) -> Resources:
        """The estimated cost, what is reserved included."""
        cost = self._costs.graph(folded.graph(self.device.family.technology, quick=True)) + self.reserve
        return cost + self._loader if cost.spram else cost
