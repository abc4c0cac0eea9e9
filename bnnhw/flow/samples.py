"""Where a data set meets a network: shapes, classes and ranges that do not go together are refused or said."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import RequestError
from bnnhw.flow.ranges import FRAMES, range_warnings
from bnnhw.ir import InputSpec, Network

__all__ = ["Suited", "suit"]

OPTIONS = "--input-scale and --input-offset of bnnhw import"


@dataclass(frozen=True)
class Suited:
    """Samples in the network's own order, and what is strange about them."""

    samples: NDArray[Any]
    warnings: tuple[str, ...]


def suit(network: Network, samples: NDArray[Any], classes: int, name: str) -> Suited:
    """Samples of a data set for a network.

    Parameters
    ----------
    network : Network
    samples : array (frames, ...)
        Maps have their channels first.
    classes : int
        Of the data set.
    name : str
        Of the data set, for messages.

    Raises
    ------
    RequestError
        The network takes samples of another shape.
    """
    samples, notes = _shaped(network.input, samples, name)
    spec = network.input
    stream = samples[:FRAMES].reshape(len(samples[:FRAMES]), -1)[:, spec.places()]
    apart = range_warnings(spec, stream, f" of data set {name}", OPTIONS)
    found = (*notes, *_classes(network, classes, name), *apart)
    return Suited(samples, found)


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _shaped(spec: InputSpec, samples: NDArray[Any], name: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Samples of the shape that the network takes, its own order of axes included."""
    given, wanted = samples.shape[1:], spec.sample_shape
    if math.prod(given) != spec.elements:
        raise RequestError(
            f"data set {name} must have {spec.elements} elements per frame for this network, not {math.prod(given)}: "
            f"it takes samples of {_sizes(wanted)}, the data set has {_sizes(given)}"
        )
    if len(given) == 3 and given == spec.shape:
        return samples.transpose(0, *(1 + "chw".index(axis) for axis in spec.layout)), ()
    mine, theirs = (tuple(size for size in shape if size > 1) for shape in (wanted, given))
    if mine == theirs or (len(mine) < 2 and len(theirs) < 2):
        return samples, ()
    if len(given) == 3 and wanted == (*given[1:], given[0]):
        return np.moveaxis(samples, 1, -1), (
            f"the network takes samples of {_sizes(wanted)}: those of data set {name}, {_sizes(given)}, are turned to "
            "have their channels last",
        )
    # A list of a map of one channel has one order, and PyTorch flattens channels first.
    if len(mine) < 2 or (len(theirs) < 2 and len(mine) == 2):
        return samples, ()
    if len(theirs) < 2:
        return samples, (
            f"the network takes samples of {_sizes(wanted)}, and data set {name} has lists of {_sizes(given)}: they "
            "are read in this order",
        )
    raise RequestError(
        f"the network takes samples of {_sizes(wanted)}, not of {_sizes(given)} as data set {name} has them"
    )


def _classes(network: Network, classes: int, name: str) -> tuple[str, ...]:
    mine = network.output.classes
    # One score decides between two classes.
    decides = 2 if mine == 1 else mine
    if decides == classes:
        return ()
    has = "1 output, which decides between 2 classes" if mine == 1 else f"{mine} classes"
    less = "no frame is of its others" if decides > classes else "it is wrong about every frame of the others"
    return (f"the network has {has}, and data set {name} has {classes}: {less}",)
