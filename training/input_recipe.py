"""How a recipe makes elements of raw samples. Importing it needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from bnnhw.errors import RequestError
from bnnhw.training.limits import MAX_BITS, one_of

__all__ = ["InputRecipe"]

Levels: TypeAlias = Literal["steps", "even", "ranked"]
Per: TypeAlias = Literal["input", "channel"]


@dataclass(frozen=True)
class InputRecipe:
    """How raw samples become elements.

    Parameters
    ----------
    bits : int
        Of an element, ``scale * clip(floor(x / scale), 0, 2**bits - 1)``.
    threshold : float, optional
        One bit instead: +1 iff ``x >= threshold``.
    scale : float
        Step of an element, a power of two.
    signed : bool
        Elements from ``-2**(bits - 1)`` to ``2**(bits - 1) - 1`` steps instead.
    levels : str
        ``"steps"``: as above. Else thresholds are taken from the samples to train with
        (:mod:`bnnhw.training.fitted`): ``"even"``, of equal steps over their range, or ``"ranked"``, so that each
        level has as many samples.
    per : str
        ``"input"``: those thresholds are the same for all elements. ``"channel"``: a row of them for each channel, or
        for each feature of a list.
    """

    bits: int = 1
    threshold: float | None = None
    scale: float = 1.0
    signed: bool = False
    levels: Levels = "steps"
    per: Per = "input"

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= MAX_BITS:
            raise RequestError(f"bits of the input must be in 1..{MAX_BITS}, not {self.bits!r}")
        if not 0 < self.scale < math.inf or math.frexp(self.scale)[0] != 0.5:
            raise RequestError(f"scale of the input must be a power of two, not {self.scale!r}")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise RequestError(f"threshold of the input must be a finite number, not {self.threshold!r}")
        one_of("levels of the input", self.levels, get_args(Levels))
        one_of("per of the input", self.per, get_args(Per))
        if self.levels != "steps" and (self.threshold is not None or self.scale != 1 or self.signed):
            raise RequestError("levels that are fitted have no threshold, scale or sign of their own")
        if self.levels != "steps" and self.bits < 2:
            raise RequestError(f"bits of an input with fitted levels must be in 2..{MAX_BITS}, not {self.bits!r}")
