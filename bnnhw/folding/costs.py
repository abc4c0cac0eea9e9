"""What units are estimated to cost, each counted once: a search meets the same units again and again."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from bnnhw.dataflow import Graph, Resources, Unit
from bnnhw.devices import Technology

__all__ = ["Costs"]


class Costs:
    """The estimated costs of units on a technology (:meth:`~bnnhw.dataflow.unit.Unit.resources`), kept.

    Units are alike when all their parameters are: equal, or where these are not compared, as matrices are not, the same
    object.
    """

    def __init__(self, technology: Technology) -> None:
        self._technology = technology
        self._known: dict[tuple[Any, ...], Resources] = {}
        # What is told apart by its identity stays as long as that is remembered.
        self._kept: dict[int, object] = {}

    def of(self, unit: Unit) -> Resources:
        """What a unit costs."""
        if not is_dataclass(unit):
            return unit.resources(self._technology)
        key = (type(unit), *(self._part(getattr(unit, field.name)) for field in fields(unit)))
        if (known := self._known.get(key)) is None:
            known = self._known[key] = unit.resources(self._technology)
        return known

    def graph(self, graph: Graph) -> Resources:
        """What all units of a graph cost."""
        return Resources.total(self.of(node.unit) for node in graph.nodes)

    def _part(self, value: object) -> object:
        """What a parameter is told apart by."""
        try:
            hash(value)
        except TypeError:
            self._kept[id(value)] = value
            return id(value)
        return value
