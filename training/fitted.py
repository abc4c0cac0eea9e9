"""Input levels that are taken from the samples to train with: for data in whatever units they come."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bnnhw.errors import RequestError
from bnnhw.ir import DataType
from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layers import InputQuantizer

__all__ = ["FittedInput", "fit_thresholds"]

TAILS = (0.5, 99.5)
"""Percentiles between which even levels lie: a few stray samples are not to widen them."""


def _even(values: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    low, high = np.percentile(values, TAILS)
    if low == high:
        low, high = values.min(), values.max()
    return np.linspace(low, high, number + 2)[1:-1]


def _ranked(values: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    """Between neighbours among the values, so that the levels are equally full; evenly spread where values are few."""
    distinct = np.unique(values)
    middles = (distinct[1:] + distinct[:-1]) / 2
    if not len(middles):
        return np.full(number, distinct[0])
    if len(middles) <= number:
        return middles[np.arange(number) * len(middles) // number]
    places = np.quantile(values, np.arange(1, number + 1) / (number + 1))
    return middles[np.clip(np.searchsorted(middles, places), 0, len(middles) - 1)]


def fit_thresholds(samples: NDArray[np.floating], recipe: InputRecipe) -> NDArray[np.float32]:
    """Thresholds of samples.

    Parameters
    ----------
    samples : array (frames, features) or (frames, channels, height, width)
    recipe : InputRecipe
        Its ``levels`` are ``"even"`` or ``"ranked"``.

    Returns
    -------
    float32 array (rows, levels - 1)
        Ascending; one row per channel (of a list: per feature), or one for all.
    """
    number = (1 << recipe.bits) - 1
    channels = samples.swapaxes(0, 1).reshape(samples.shape[1], -1).astype(np.float64)
    rows = channels if recipe.per == "channel" else channels.reshape(1, -1)
    fit = _even if recipe.levels == "even" else _ranked
    return np.stack([np.sort(fit(row, number)) for row in rows]).astype(np.float32)


class FittedInput(InputQuantizer):
    """Signed integers: the number of thresholds that a sample reaches, less half their number.

    No gradient: it is the first layer.

    Parameters
    ----------
    samples : tensor (frames, features) or (frames, channels, height, width)
        Raw samples for training.
    recipe : InputRecipe
    """

    thresholds: Tensor

    def __init__(self, samples: Tensor, recipe: InputRecipe) -> None:
        super().__init__()
        if not len(samples):
            raise RequestError("an input whose levels are fitted needs samples")
        self.dtype = DataType("int", recipe.bits)
        rows = fit_thresholds(samples.cpu().numpy(), recipe)
        self.register_buffer("thresholds", torch.from_numpy(rows))

    def forward(self, x: Tensor) -> Tensor:
        level = torch.full_like(x, self.dtype.minimum)
        # One threshold after another: all at once would take so many times the memory of the samples.
        for row in self.thresholds.unbind(1):
            level += x >= row.reshape(1, -1, *[1] * (x.ndim - 2))
        return level
