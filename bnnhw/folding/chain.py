"""The units an accelerator consists of: those of its layers, with queues of proved depth in its residual layers.

Depth of a shortcut's queue
---------------------------
A residual layer's body swallows words before it gives the first (a line buffer fills), and the sum waits for it; the
shortcut's words must wait somewhere meanwhile, or the fork stops, and with it the body: fork and sum would wait for
each other for ever. The flow models are run with queues that are never full, from reset until results come steadily.
The depth is the most words that a queue then held at once: the least with which no word moves in a later cycle than
with an unlimited one. So these queues cost no cycle, in latency or in pace.

They suffice whatever stalls come from outside. Every unit waits only for words and for places, which are used up by
it alone and decided by counts, never by data or by which came first: the accelerator is a marked graph. In a marked
graph no move can ever take away another's possibility, so if one order of moves leads a frame from an empty accelerator
to an empty one, then every order does (the counts of moves are the same in all), and stalls only choose an order. The
run with these depths is that order: all its frames get through, and a run that got stuck would be refused here.
"""

from __future__ import annotations

from dataclasses import replace

from bnnhw.devices import Technology
from bnnhw.folding.folded import FoldedNetwork
from bnnhw.folding.lower import lower
from bnnhw.folding.residual import full_speed_depth
from bnnhw.folding.stages import Chain
from bnnhw.folding.steady_state import Cycles, settle
from bnnhw.folding.units import BufferUnit

__all__ = ["chain", "cycles"]


def chain(folded: FoldedNetwork, tech: Technology) -> Chain:
    """The units of a folded network and the streams between them.

    Raises
    ------
    Deadlock
        When a residual layer's branches wait for each other for ever, whatever the depth of its queues.
    """
    found = folded.derived.get((tech.name, "chain"))
    if found is None:
        found = folded.derived[tech.name, "chain"] = _derive(folded, tech)
    assert isinstance(found, Chain)
    return found


def cycles(folded: FoldedNetwork, tech: Technology) -> Cycles:
    """The steady state and latency of :func:`chain` (:func:`~bnnhw.folding.steady_state.settle`)."""
    found = folded.derived.get((tech.name, "cycles"))
    if found is None:
        # The streams' cycles are many, and nobody asks for them again.
        found = folded.derived[tech.name, "cycles"] = replace(settle(chain(folded, tech)), links=())
    assert isinstance(found, Cycles)
    return found


def _derive(folded: FoldedNetwork, tech: Technology) -> Chain:
    units = lower(folded, tech, {})
    queues = [stage for stage in units.stages if isinstance(stage.unit, BufferUnit)]
    if not queues:
        return units
    links = settle(units).links
    depths: dict[str, int] = {}
    for stage in queues:
        taken = links[stage.sinks[0]].taken
        depths[stage.name] = full_speed_depth(links[stage.sources[0]].taken[: len(taken)], taken)
    return lower(folded, tech, depths)
