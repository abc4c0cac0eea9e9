"""The proofs of channel inverters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnhw.ir import DataType, MaxPool, Window
from bnnhw.units.invert.contract import InvertContract
from bnnhw.units.invert.model import InvertUnit
from bnnhw.units.invert.rtl import ChannelInverter
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _invert(dtype: str, minimum: str, lanes: int) -> Callable[[], ChannelInverter]:
    """A letter per channel: ``"<"`` takes the minimum and is complemented."""
    mask = np.array([letter == "<" for letter in minimum])
    layer = MaxPool("pool", Window(len(minimum), 1, 2, (1, 2)), DataType.parse(dtype), mask)
    return lambda: ChannelInverter(InvertUnit(layer, lanes))


PROOFS: dict[str, Case] = {
    "invert-mixed": Case(InvertContract, _invert("bipolar", "<>>", 2), quick=True, faults=8),
    "invert-one-word": Case(InvertContract, _invert("uint2", "<>", 2)),
    "invert-all": Case(InvertContract, _invert("int2", "<<<", 1)),
}
