"""Which engines a choice is made from: the one in memory where it will do, all of them where these are faster."""

from __future__ import annotations

from functools import cached_property, partial
from math import inf
from typing import Protocol

from bnnhw.dataflow.engine import ENGINES
from bnnhw.dataflow.resources import NOTHING, Resources
from bnnhw.errors import CheckError
from bnnhw.folding.beyond import Beyond
from bnnhw.folding.costs import Costs
from bnnhw.folding.folded import FoldedNetwork
from bnnhw.folding.predict import predict
from bnnhw.folding.solve import Device, Solver
from bnnhw.ir import Layer, Network, walk
from bnnhw.units.spatial.structure import synapses

__all__ = ["FOLDED", "Chooser", "Preferring"]

FOLDED = "folded"
"""The engine that computes every layer with weights, and that is preferred: small, and quick to build."""

ROUTED = 1 << 15
"""Most weights other than 0 that are put into the fabric unasked. On the largest device that there is here, of 84,000
LUT4, the 16,270 of `mnist-sparse` are routed with time to spare; the 59,008 of TFC_1W1A, which fit, are not.
"""


class Chooser(Protocol):
    """What chooses a folding (:class:`~bnnhw.folding.solve.Solver`)."""

    def fastest(self) -> FoldedNetwork: ...
    def modest(self) -> FoldedNetwork: ...
    def cheapest(self, cycles: int) -> FoldedNetwork | None: ...
    def prompt(self, latency: int) -> FoldedNetwork | None: ...
    def within(self, cells: float) -> FoldedNetwork: ...
    def beyond(self, cycles: int, cells: float = ...) -> Beyond | None: ...
    def slowest(self, folded: FoldedNetwork) -> int: ...


class Preferring:
    """Chooses foldings of the engine folded, and of all engines where these do what it alone does not.

    That is: fewer cycles per frame for the fastest, cycles that it does not reach, or a network that does not fit
    otherwise. What the engine folded does is folded, whatever else would do it too. No more than :data:`ROUTED` weights
    are put into the fabric.

    Parameters
    ----------
    network : Network
        Streamlined.
    device : Device
    reserve, loader : Resources
        What beside the accelerator must fit too, and where SPRAM is used.
    costs : Costs, optional
        What is known of the costs of units on the family.
    """

    def __init__(
        self,
        network: Network,
        device: Device,
        *,
        reserve: Resources = NOTHING,
        loader: Resources = NOTHING,
        costs: Costs | None = None,
    ) -> None:
        self._network, self._device = network, device
        self._solver = partial(Solver, network, device, reserve=reserve, loader=loader, costs=costs)

    def fastest(self) -> FoldedNetwork:
        """That of the fewest cycles per frame; fails as :meth:`Solver.fastest` does where nothing fits."""
        return self._fastest

    def modest(self) -> FoldedNetwork:
        """One that is quick to place and route, folded; the fastest of all where that does not fit the device."""
        try:
            return self._folded.modest()
        except CheckError:
            return self._fastest

    def cheapest(self, cycles: int) -> FoldedNetwork | None:
        """The cheapest of at most so many cycles per frame; None when none fits."""
        if (found := self._folded.cheapest(cycles)) is not None or cycles < self._folded.least or not self._others:
            return found
        found = self._any.cheapest(cycles)
        return found if found is not None and _routed(found) else None

    def prompt(self, latency: int) -> FoldedNetwork | None:
        """The cheapest found of at most so many cycles of latency; None when none fits."""
        if (found := self._folded.prompt(latency)) is not None or not self._others:
            return found
        found = self._any.prompt(latency)
        return found if found is not None and _routed(found) else None

    def within(self, cells: float) -> FoldedNetwork:
        """The fastest of at most so many logic cells, folded; of all engines where that is too large."""
        try:
            return self._folded.within(cells)
        except CheckError:
            if not self._others:
                raise
            found = self._any.within(cells)
            if not _routed(found):
                raise
            return found

    def beyond(self, cycles: int, cells: float = inf) -> Beyond | None:
        """What the cheapest within so many cycles would take, folded (:meth:`Solver.beyond`)."""
        return self._folded.beyond(cycles, cells)

    def slowest(self, folded: FoldedNetwork) -> int:
        """Cycles of the slowest unit (:meth:`Solver.slowest`)."""
        return self._folded.slowest(folded)

    @cached_property
    def _folded(self) -> Solver:
        return self._solver(engines=(FOLDED,))

    @cached_property
    def _others(self) -> bool:
        """Whether some layer is small enough for other engines."""
        return not all(_large(layer) for layer in walk(self._network.chain))

    @cached_property
    def _any(self) -> Solver:
        """From all engines: what constants in the fabric take is worked out here, some seconds for 30,000 of them."""
        engines = (FOLDED, *(name for name in ENGINES if name != FOLDED))
        return self._solver(engines=engines, large=_large)

    @cached_property
    def _fastest(self) -> FoldedNetwork:
        try:
            one = self._folded.fastest()
        except CheckError as error:
            if not self._others:
                raise
            try:
                other = self._any.fastest()
            except CheckError:
                raise error from None
            if not _routed(other):
                raise
            return other
        if (cycles := self._cycles(one)) <= self._folded.least or not self._others:
            return one
        other = self._any.fastest()
        return other if _routed(other) and self._cycles(other) < cycles else one

    def _cycles(self, folded: FoldedNetwork) -> int:
        return predict(folded.graph(self._device.family.technology)).cycles_per_frame


def _large(layer: Layer) -> bool:
    """Whether a layer has no weights, or alone too many for wires to be found for them."""
    return layer.matrix is None or synapses(layer.matrix) > ROUTED


def _routed(folded: FoldedNetwork) -> bool:
    """Whether so few weights are in the fabric that wires are found for them."""
    return sum(synapses(matrix) for matrix, folding in folded.pairs if folding.engine != FOLDED) <= ROUTED
