"""What units are estimated to cost, each counted once: a search meets the same units again and again."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from bnnhw.dataflow import Graph, Resources, Unit
from bnnhw.dataflow.engine import ENGINES, LayerFolding
from bnnhw.dataflow.same import Same
from bnnhw.devices import Technology
from bnnhw.ir import Layer

__all__ = ["Costs"]


class Costs:
    """The estimated costs of units on a technology (:meth:`~bnnhw.dataflow.unit.Unit.resources`), kept.

    Units are alike when all their parameters are: equal, or where these are not compared, as matrices are not, the same
    object.
    """

    def __init__(self, technology: Technology) -> None:
        self._technology = technology
        self._known: dict[tuple[Any, ...], Resources] = {}
        self._fields: dict[type[Unit], tuple[str, ...]] = {}
        self._uncompared: set[type] = set()
        self._layers: dict[tuple[Same[Layer], LayerFolding], tuple[int, Resources]] = {}
        self._candidates: dict[tuple[Same[Layer], str], tuple[LayerFolding, ...]] = {}

    def candidates(self, layer: Layer, engine: str) -> tuple[LayerFolding, ...]:
        """The foldings of a layer to choose from, of an engine."""
        key = Same(layer), engine
        if (known := self._candidates.get(key)) is None:
            known = self._candidates[key] = tuple(ENGINES.named(engine).candidates(layer))
        return known

    def layer(self, layer: Layer, folding: LayerFolding) -> tuple[int, Resources]:
        """Cycles per frame of a layer's unit by a folding, and what it costs."""
        key = Same(layer), folding
        if (known := self._layers.get(key)) is None:
            unit = ENGINES.named(folding.engine).unit(layer, folding, self._technology)
            known = self._layers[key] = unit.interval, unit.resources(self._technology)
        return known

    def of(self, unit: Unit) -> Resources:
        """What a unit costs."""
        if not is_dataclass(unit):
            return unit.resources(self._technology)
        kind = type(unit)
        if (names := self._fields.get(kind)) is None:
            names = self._fields[kind] = tuple(field.name for field in fields(unit))
        key = (kind, *[self._part(getattr(unit, name)) for name in names])
        if (known := self._known.get(key)) is None:
            known = self._known[key] = unit.resources(self._technology)
        return known

    def graph(self, graph: Graph) -> Resources:
        """What all units of a graph cost."""
        return Resources.total(self.of(node.unit) for node in graph.nodes)

    def _part(self, value: object) -> object:
        """What a parameter is told apart by."""
        # All units that are asked about are of one technology.
        if value is self._technology:
            return None
        kind = type(value)
        if kind not in self._uncompared:
            try:
                hash(value)
            except TypeError:
                self._uncompared.add(kind)
            else:
                return value
        return Same(value)
