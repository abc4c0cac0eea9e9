"""From layers to units: one rule for each kind of layer (:data:`RULES`), registered by the files of this folder."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from bnnhw.dataflow import Graph
from bnnhw.dataflow.engine import LayerFolding
from bnnhw.dataflow.queues import full_speed_depth
from bnnhw.dataflow.same import Same
from bnnhw.dataflow.throughput import settle
from bnnhw.devices import Technology
from bnnhw.ir import Network
from bnnhw.lowering.builder import RULES, Builder, Rule, Stream
from bnnhw.lowering.gates import merged
from bnnhw.lowering.live import only_live

__all__ = ["RULES", "Builder", "Rule", "Stream", "lower"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


KEPT = 8
"""Graphs that are kept: frames are followed word by word for the queues of residual layers, for a minute where these
are large, and what was chosen is asked for again and again."""


def lower(
    network: Network,
    foldings: Mapping[str, LayerFolding],
    technology: Technology,
    *,
    quick: bool = False,
    scores: bool = False,
) -> Graph:
    """The dataflow graph of a network, without the neurons that nobody reads (:mod:`bnnhw.lowering.live`).

    Parameters
    ----------
    network : Network
        Streamlined.
    foldings : mapping of str to LayerFolding
        Of each layer that has a weight matrix, by name.
    technology : Technology
    quick : bool
        With depths of the queues in residual layers that are guessed, not derived frame by frame; for estimates.
    scores : bool
        With the scores of all classes in each result, not the winner's alone.

    Raises
    ------
    Deadlock
        When a residual layer's branches wait for each other for ever, whatever the depth of its queues.
    """
    if quick:
        without = only_live(merged(network), foldings)
        return without.observed(Builder(without.network, without.foldings, technology, None, scores).graph())
    return _followed(Same(network), tuple(foldings.items()), technology, scores)


@lru_cache(maxsize=KEPT)
def _followed(
    network: Same[Network], foldings: tuple[tuple[str, LayerFolding], ...], technology: Technology, scores: bool
) -> Graph:
    """The graph, whose queues are as deep as following frames through it shows that they must be."""
    without = only_live(merged(network.one), dict(foldings))
    live = without.network, without.foldings
    unlimited = Builder(*live, technology, {}, scores)
    graph = unlimited.graph()
    if not unlimited.queues:
        return without.observed(graph)
    found = settle(graph)
    links = found.links
    depths: dict[str, int] = {}
    for node in unlimited.queues:
        taken = links[node.sinks[0]].taken
        depths[node.name] = full_speed_depth(links[node.sources[0]].taken[: len(taken)], taken)
    whole = Builder(*live, technology, depths, scores).graph()
    return without.observed(replace(whole, settled=(found.latency, found.per_frame)))
