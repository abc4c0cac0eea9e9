"""Which function translates which kind of layer: one registered for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from bnnhw.c.program import Program
from bnnhw.c.streams import Stream
from bnnhw.ir import Layer
from bnnhw.registry import Registry

__all__ = ["TRANSLATIONS", "Translation", "add_layers"]

Translation: TypeAlias = Callable[..., Stream]
"""Adds the function of a layer to a program: ``translate(program, layer, given)``; gives what the layer emits.

A layer with branches is given the streams at the end of each branch instead of its own input. The output gives its
scores.
"""

TRANSLATIONS: Registry[Translation] = Registry("a translation to C", "bnnhw/c/layers/{kind}.py")
"""By kind of layer; filled by the files of :mod:`bnnhw.c.layers`."""


def add_layers(program: Program, given: Stream, layers: Iterable[Layer]) -> Stream:
    """Add the functions of a chain of streamlined layers.

    Raises
    ------
    MissingError
        A kind of layer that has no translation.
    """
    for layer in layers:
        translate = TRANSLATIONS.of(layer)
        ends = [add_layers(program, given, branch) for branch in layer.branches]
        given = translate(program, layer, *(ends or (given,)))
    return given
