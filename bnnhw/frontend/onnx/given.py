"""What a graph's input stands for: by its shape and type, its annotations, and what a user says of raw samples."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from bnnhw.errors import RequestError, UnsupportedError
from bnnhw.frontend.onnx.exact import exact_affine
from bnnhw.frontend.onnx.graph import INPUT_TYPES, Graph
from bnnhw.frontend.onnx.numbers import integer_type
from bnnhw.frontend.onnx.raw import Samples, Stated, regrouped
from bnnhw.frontend.onnx.values import layout
from bnnhw.ir.input_spec import LAYOUTS
from bnnhw.ir.types import DataType

__all__ = ["NOTHING", "Given", "graph_samples", "noted"]

FIXED = re.compile(r"FIXED<([0-9]{1,2}),(-?[0-9]{1,2})>")
"""QONNX's fixed point: bits in all, and those before the point, its sign included."""


@dataclass(frozen=True)
class Given:
    """What a user says of raw samples: the graph takes ``scale * x + offset``.

    Parameters
    ----------
    scale, offset : tuple of Fraction, optional
        One for all samples, or one per channel.
    dtype : DataType, optional
        Raw samples are integers of this type.
    """

    scale: tuple[Fraction, ...] | None = None
    offset: tuple[Fraction, ...] | None = None
    dtype: DataType | None = None

    @property
    def facts(self) -> dict[str, str]:
        """For the provenance of a network."""
        said = {
            "input_scale": None if self.scale is None else ",".join(map(str, self.scale)),
            "input_offset": None if self.offset is None else ",".join(map(str, self.offset)),
            "input_type": None if self.dtype is None else str(self.dtype),
        }
        return {name: value for name, value in said.items() if value is not None}


NOTHING = Given()


def graph_samples(graph: Graph, given: Given, order: str = LAYOUTS[0]) -> Samples:
    """What the graph's input stands for, whose axes are channels, height and width in an order of ``LAYOUTS``."""
    if len(graph.shape) not in (1, 2, 3):
        raise UnsupportedError(
            f"graph input {graph.input!r:.60}: a sample must be (features,), (channels, length) or (channels, height, "
            f"width), not {graph.shape}"
        )
    frame = graph.shape
    index = np.arange(np.prod(frame), dtype=np.int32)
    if len(frame) > 1:
        # A signal is a map of height 1.
        axes = order if len(frame) == 3 else order.replace("h", "")
        sizes = dict(zip(axes, frame, strict=True))
        frame = (sizes["c"], sizes.get("h", 1), sizes["w"])
        index = layout(frame).transpose([LAYOUTS[0].index(axis) for axis in order]).reshape(graph.shape)
    name = INPUT_TYPES[graph.element]
    stated = None if name is None else Stated(integer_type(name), steps=0)
    # What we wrote takes raw samples as they are, and integers are no fractions.
    known = graph.producer == "bnnhw" or "bnnhw" in graph.metadata or INPUT_TYPES[graph.element] is not None
    samples = Samples(frame, index, np.zeros(index.size, np.int64), layout=order, scaled=known, stated=stated)
    samples = noted(samples, graph.annotations.get(graph.input))
    if given.dtype is not None:
        samples = _stated(samples, given, f"graph input {graph.input!r:.60}")
    for values, what, put in (
        (given.scale, "--input-scale", lambda s, numbers: replace(s, scale=numbers, scaled=True)),
        (given.offset, "--input-offset", lambda s, numbers: replace(s, offset=numbers, scaled=True)),
    ):
        if values is not None:
            samples = _given(samples, values, what, put)
    return samples


def _told_otherwise(where: str, graph: Stated, dtype: DataType) -> tuple[str, ...]:
    """A note that the graph says of raw samples that they are of another type than the user does."""
    if graph.dtype == dtype and graph.unit == 1:
        return ()
    unit = "" if graph.unit == 1 else f" times {graph.unit}"
    return (f"{where}: the graph says {graph.dtype}{unit}, and --input-type {dtype}: samples are read as {dtype}",)


def _stated(samples: Samples, given: Given, where: str) -> Samples:
    """Samples of the type that a user says, which counts more than what the graph says of them."""
    assert given.dtype is not None
    plain = samples.stated is not None and given.scale is None and given.offset is None
    notes = _told_otherwise(where, samples.stated, given.dtype) if plain and samples.stated else ()
    return replace(samples, stated=Stated(given.dtype), notes=(*samples.notes, *notes))


def _given(
    samples: Samples,
    values: tuple[Fraction, ...],
    what: str,
    put: Callable[[Samples, tuple[Fraction, ...]], Samples],
) -> Samples:
    """Samples with a scale or an offset of their own, one for all or one per channel."""
    shape = samples.index.shape
    if len(values) == 1:
        return put(samples, values * samples.neurons)
    axis = next((axis for axis in (0, len(shape) - 1) if shape[axis] == len(values)), None)
    if axis is None:
        channels = " or ".join(map(str, dict.fromkeys((shape[0], shape[-1]))))
        raise RequestError(f"{what} must have one number, or one per channel ({channels}), not {len(values)}")
    numbers = np.arange(len(values)).reshape([-1 if place == axis else 1 for place in range(len(shape))])
    samples, (places,) = regrouped(samples, np.broadcast_to(numbers, shape))
    return put(samples, tuple(values[place] for place in places.tolist()))


def noted(samples: Samples, name: str | None, where: str = "") -> Samples:
    """Samples of the type that a graph's annotation names; one of no integers says nothing.

    What a user says of raw samples counts more, as long as it says what they are here; ``where`` is noted if the graph
    says otherwise of samples that nothing was done to.
    """
    if name is None:
        return samples
    if (fixed := FIXED.fullmatch(name.strip())) is not None:
        bits, whole = map(int, fixed.groups())
        unit, name = Fraction(2) ** (whole - bits), f"INT{bits}"
    else:
        unit = Fraction(1)
    try:
        dtype = integer_type(name)
    except ValueError:
        return samples
    found, user = Stated(dtype, unit, len(samples.steps)), samples.stated
    if user is None or user.steps is not None or exact_affine(samples.steps, samples.neurons) is None:
        return replace(samples, stated=found)
    raw = not samples.steps and set(samples.scale) == {1} and set(samples.offset) == {0}
    notes = _told_otherwise(where, found, user.dtype) if raw and not samples.notes else ()
    return replace(samples, notes=(*samples.notes, *notes))
