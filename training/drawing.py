"""Rows of weights drawn towards each other, so that constants in the fabric count fewer lanes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from bnnhw.errors import RequestError
from bnnhw.training.conv import BinaryConv2d
from bnnhw.training.fan_in import FanInLinear
from bnnhw.training.layers import BinaryLayer
from bnnhw.units.spatial.corrections import spanning

__all__ = ["Drawing"]


def _drawn(model: nn.Module) -> Iterator[BinaryLayer]:
    """The layers whose rows may be drawn: those that the engine computes, with all their synapses."""
    for module in model.modules():
        if isinstance(module, BinaryLayer) and not isinstance(module, FanInLinear):
            depthwise = isinstance(module, BinaryConv2d) and module.groups > 1
            if not depthwise:
                yield module


class Drawing:
    """How much is left to count of the rows of a model by the spatial engine, as a term of a loss.

    A row of weights that is near another one, or near its complement, is computed from that one by a correction for
    each weight that differs (:mod:`bnnhw.units.spatial.corrections`): Vo et al., "A deep learning accelerator based on
    a streaming architecture for binary neural networks", 2022, there after training. Here training is told what it
    costs: the lanes that are counted, as a share of all weights. Which row is computed from which is what the engine
    would choose of the present signs (:meth:`choose`); in between the choice stays, and a row and the one that it is
    computed from are drawn together. Whether that is to the row itself or to its complement goes with the choice.

    The term is of the signs of the weights; its gradient reaches the latent weights as that of any product with them.
    Every weight counts as one lane, whatever the bits of its input: where these are several, a correction may pay for
    the engine that is not counted here.

    Parameters
    ----------
    model : torch.nn.Module

    Raises
    ------
    RequestError
        It has no binary layer of several rows; depthwise convolutions and layers whose fan-in is limited do not count.
    """

    def __init__(self, model: nn.Module) -> None:
        self._layers = [layer for layer in _drawn(model) if len(layer.latent) > 1]
        if not self._layers:
            raise RequestError(
                "draw must be 0 without a binary layer of several rows that keeps all its synapses and is not depthwise"
            )
        self._chosen: list[tuple[Tensor, Tensor, Tensor]] = []

    @property
    def weights(self) -> int:
        """Weights of all rows."""
        return sum(layer.latent.numel() for layer in self._layers)

    def choose(self) -> None:
        """Choose anew which row is computed from which."""
        self._chosen = []
        for layer in self._layers:
            rows = layer.signs.detach().flatten(1).cpu().numpy().astype(np.int64)
            # Of equal rows one is counted. In this order the engine takes them, and of equal distances the first.
            different, first, same = np.unique(rows, axis=0, return_index=True, return_inverse=True)
            pairs = [
                (int(first[origin.row]), int(first[origin.parent]), -1 if origin.negated else 1)
                for origin in spanning(different)
                if origin.parent is not None
            ]
            pairs += [(row, int(first[one]), 1) for row, one in enumerate(same.reshape(-1)) if row != first[one]]
            chosen = torch.tensor(pairs, dtype=torch.int64, device=layer.latent.device).reshape(-1, 3)
            row, parent, sign = chosen.unbind(dim=1)
            self._chosen.append((row, parent, sign.to(layer.latent.dtype)))

    def share(self) -> Tensor:
        """The lanes that are left, as a share of the weights: 1 where no row is computed from another one."""
        saved = 0.0
        for layer, (row, parent, sign) in zip(self._layers, self._chosen, strict=True):
            signs = layer.signs.flatten(1)
            agree = (signs[row] * signs[parent]).sum(dim=1) * sign
            # Of K weights (K - agreement) / 2 differ.
            saved = saved + (signs.shape[1] + agree).sum() / 2
        return 1 - torch.as_tensor(saved) / self.weights
