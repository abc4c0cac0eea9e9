"""Elements in front of a matrix, of which every channel may have a factor and an offset of its own.

``x_c = slope_c * q_c + offset_c``, ``q`` what the hardware holds. Where a neuron sees one channel alone (a depthwise
convolution) both follow the product. Where it sums over channels, with ``u`` the greatest common divisor of the slopes
and ``m_c = slope_c / u`` whole,

    ``sum_c x_c * w_c = u * sum_c q_c * (m_c * w_c) + sum_c offset_c * w_c``,

so the multipliers go into the weights, or in front of the product as integers (an affine layer), whichever takes fewer
popcounts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.exact import common_unit, exact_affine
from bnnhw.frontend.onnx.planes import MAX_WEIGHT, weight_planes
from bnnhw.frontend.onnx.streams import alike, as_integers, check_planes
from bnnhw.frontend.onnx.tables import tabulated
from bnnhw.frontend.onnx.values import Elements, Integers, Product, Streamed
from bnnhw.ir.types import MAX_PLANES

__all__ = ["Channels", "Factor", "Operand", "as_operand", "elements_of", "factor", "streamed", "with_elements"]


@dataclass(frozen=True, eq=False)
class Channels:
    """Elements whose channels differ in what they stand for.

    Parameters
    ----------
    value : Integers
    slopes, offsets : tuple of Fraction
        One per channel.
    """

    value: Integers
    slopes: tuple[Fraction, ...]
    offsets: tuple[Fraction, ...]


Operand: TypeAlias = Elements | Channels


@dataclass(frozen=True, eq=False)
class Factor:
    """What a matrix multiplies: the product of a neuron is ``slope * sum_k q_k * w_k + constant``.

    Parameters
    ----------
    elements : Elements
        q. Their offset counts for padding alone.
    rows : int16 array (neurons, synapses)
        w.
    slopes, constants : list of Fraction
        One per neuron.
    """

    elements: Elements
    rows: NDArray[np.int16]
    slopes: list[Fraction]
    constants: list[Fraction]


def streamed(call: Call, index: int, what: str) -> Streamed:
    """An input that layers emit; ``what`` names it in errors."""
    value = call.input(index)
    return value if isinstance(value, Product | Integers) else call.take(index, what, Elements)


def as_operand(call: Call, value: Streamed, what: str) -> Operand:
    """What layers emit as elements that stand for numbers, channel by channel if need be."""
    if isinstance(value, Elements):
        return value
    value = as_integers(call, value)
    affine = exact_affine(value.steps, value.neurons)
    if affine is None:
        return tabulated(call, what, value)
    slopes, offsets = affine
    if len(set(slopes)) == len(set(offsets)) == 1 and slopes[0]:
        return alike(call, what, value)
    return Channels(value, tuple(slopes), tuple(offsets))


def elements_of(operand: Operand) -> Elements:
    """What the hardware holds."""
    return operand if isinstance(operand, Elements) else operand.value.elements


def with_elements(operand: Operand, elements: Elements) -> Operand:
    """The operand, its elements seen otherwise: as a map."""
    if isinstance(operand, Elements):
        return elements
    return replace(operand, value=replace(operand.value, elements=elements))


def _code(operand: Channels, number: Fraction) -> Fraction | None:
    """The element that stands for a number in every channel; None if there is no such one."""
    levels = {(number - b) / a if a else None for a, b in zip(operand.slopes, operand.offsets, strict=True)}
    level = levels.pop()
    dtype = operand.value.elements.dtype
    if levels or level is None or level.denominator != 1 or not dtype.minimum <= level <= dtype.maximum:
        return None
    return None if dtype.kind == "bipolar" and not level else level


def _plain(operand: Elements, rows: NDArray[np.int16]) -> Factor:
    """Elements that stand for numbers alike."""
    sums = rows.sum(axis=1, dtype=np.int64).tolist()
    constants = [operand.offset * Fraction(total) for total in sums]
    return Factor(operand, rows, [operand.scale] * len(rows), constants)


def _depthwise(operand: Channels, rows: NDArray[np.int16], elements: Elements) -> Factor:
    """Neuron ``n`` sees channel ``n // (neurons / channels)`` alone."""
    each = len(rows) // len(operand.slopes)
    channel = [n // each for n in range(len(rows))]
    sums = rows.sum(axis=1, dtype=np.int64).tolist()
    constants = [operand.offsets[c] * total for c, total in zip(channel, sums, strict=True)]
    return Factor(elements, rows, [operand.slopes[c] for c in channel], constants)


def _merged(operand: Channels, rows: NDArray[np.int16]) -> NDArray[np.int16] | None:
    """The weights times the multipliers of their channels; None if they grow too large."""
    unit = common_unit(operand.slopes)
    multipliers = [slope / unit for slope in operand.slopes]
    if max(map(abs, multipliers)) > MAX_WEIGHT or operand.value.elements.dtype.bits > MAX_PLANES:
        return None
    column = np.array([int(m) for m in multipliers], np.int64)
    merged = rows * column[np.arange(rows.shape[1]) % len(column)]
    return merged.astype(np.int16) if np.abs(merged).max() <= MAX_WEIGHT else None


def _summed(operand: Channels, rows: NDArray[np.int16], elements: Elements) -> Factor:
    """Neurons see every channel: column ``k`` of ``rows``, merged already, is of channel ``k mod C``."""
    constants = [Fraction(0)] * len(rows)
    channel = np.arange(rows.shape[1]) % len(operand.offsets)
    for offset in set(operand.offsets) - {0}:
        places = np.array([o == offset for o in operand.offsets])[channel]
        sums = rows[:, places].sum(axis=1, dtype=np.int64).tolist()
        constants = [total + offset * s for total, s in zip(constants, sums, strict=True)]
    return Factor(elements, rows, [common_unit(operand.slopes)] * len(rows), constants)


def _popcounts(bits: int, rows: NDArray[np.int16]) -> int:
    """Popcounts per neuron of a product with elements of so many bits."""
    return bits * len(weight_planes(rows)[0])


def factor(
    call: Call, what: str, operand: Operand, rows: NDArray[np.int16], pad: Fraction | None, depthwise: bool
) -> Factor:
    """An operand and weights as they are multiplied.

    Parameters
    ----------
    call : Call
    what : str
        Names the operand in errors.
    operand : Operand
    rows : int16 array (neurons, synapses)
        Channel fastest; of a depthwise convolution, one channel.
    pad : Fraction or None
        The number that lies around the map; None if nothing does.
    depthwise : bool

    Raises
    ------
    UnsupportedError
        Neurons sum over channels whose scales have no common divisor.
    """
    if isinstance(operand, Elements):
        return _plain(operand, rows)
    elements = operand.value.elements
    level = Fraction(0) if pad is None else _code(operand, pad)
    merged = None if level is None else rows if depthwise else _merged(operand, rows)
    # With this offset the padding's number has its code.
    held = replace(elements, scale=Fraction(1), offset=(pad or Fraction(0)) - (level or Fraction(0)))
    if depthwise and merged is not None:
        check_planes(call, what, elements.dtype)
        return _depthwise(operand, rows, held)
    try:
        widened = alike(call, what, operand.value)
        check_planes(call, what, widened.dtype)
    except UnsupportedError:
        if merged is None:
            raise
    else:
        bits = elements.dtype.bits
        if merged is None or _popcounts(widened.dtype.bits, rows) < _popcounts(bits, merged):
            return _plain(widened, rows)
    # The weights of before tell what the offsets add.
    constants = _summed(operand, rows, held).constants
    return replace(_summed(operand, merged, held), constants=constants)
