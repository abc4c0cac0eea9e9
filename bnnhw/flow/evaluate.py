"""The integer reference over samples."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bnnhw import reference
from bnnhw.errors import RangeWarning, RequestError
from bnnhw.flow.ranges import FRAMES, range_warnings
from bnnhw.ir import Network
from bnnhw.ir.input_spec import LAYOUTS
from bnnhw.reference import Scores

__all__ = ["check_elements", "encode", "evaluate"]


def check_elements(network: Network, elements: int, what: str = "samples") -> None:
    """:class:`~bnnhw.errors.RequestError` unless the network takes frames of so many elements."""
    if elements != network.input.elements:
        raise RequestError(
            f"{what} must have {network.input.elements} elements per frame for this network, not {elements}"
        )


def encode(network: Network, samples: ArrayLike) -> NDArray[np.uint8]:
    """The codes of a network's input elements.

    Warns the caller of the step that calls it, a :class:`~bnnhw.errors.RangeWarning`, where samples do not meet the
    thresholds.

    Parameters
    ----------
    network : Network
    samples : array (frames, ...)
        As the data set gives them; what is behind the first axis is one frame, in the network's order, or a map with
        its channels first.

    Returns
    -------
    uint8 array (frames, elements)

    Raises
    ------
    RequestError
        When a frame has not as many elements as the network takes, or one that is no finite number.
    """
    array: NDArray[Any] = np.asarray(samples)
    check_elements(network, math.prod(array.shape[1:]))
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        frame, element = np.argwhere(~np.isfinite(array.reshape(len(array), -1)))[0]
        value = array.reshape(len(array), -1)[frame, element]
        raise RequestError(f"samples must be finite numbers; element {element} of frame {frame} is {value}")
    spec = network.input
    if array.shape[1:] not in (spec.shape, spec.sample_shape):
        array = array.reshape(len(array), spec.elements)
    elif array.shape[1:] != spec.sample_shape:
        array = array.transpose(0, *(1 + LAYOUTS[0].index(axis) for axis in spec.layout))
    few = array[:FRAMES]
    for warning in range_warnings(spec, few.reshape(len(few), spec.elements)[:, spec.places()]):
        # The caller of the step.
        warnings.warn(warning, RangeWarning, stacklevel=3)
    return spec.encode(array)


def evaluate(network: Network, samples: ArrayLike) -> Scores:
    """What a network says about samples, in exact integer arithmetic: what its hardware will say, bit for bit.

    Parameters
    ----------
    network : Network
        Streamlined, as :func:`bnnhw.read` gives it.
    samples : array (frames, ...)
        As the data set gives them: pixels, not codes.

    Returns
    -------
    Scores
        ``scores``, int64 (frames, classes), and ``classes``, int64 (frames,).

    Warns
    -----
    RangeWarning
        When the samples' range and the thresholds of the input do not meet: bytes where fractions are expected.

    Raises
    ------
    RequestError
        When a sample has not as many elements as the network takes.
    """
    return reference.evaluate(network, encode(network, samples))
