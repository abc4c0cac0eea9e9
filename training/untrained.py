"""A recipe's network before its training: what hardware will be made of, to see whether it fits."""

from __future__ import annotations

import numpy as np

from bnnhw.datasets import Dataset
from bnnhw.errors import RequestError, ToolError
from bnnhw.frontend import read_model
from bnnhw.ir import Network
from bnnhw.streamline import streamline
from bnnhw.training.recipe import Recipe

try:
    import torch
except ModuleNotFoundError as error:
    raise ToolError("PyTorch is needed to train, and was not found: pip install 'bnnhw[train]'") from error

from bnnhw.training.check import as_file
from bnnhw.training.evaluation import weight_bits
from bnnhw.training.export import to_onnx
from bnnhw.training.layers import BatchNorm
from bnnhw.training.models import build

__all__ = ["untrained"]

FRAMES = 500
"""Samples that stand for all: levels of the input are fitted to them here."""


def untrained(recipe: Recipe, data: Dataset) -> tuple[Network, int]:
    """The streamlined network of a recipe with its first weights, and how many binary weights it has.

    Norms get the statistics of samples, as training gives them, so that thresholds lie where those of a trained network
    do.

    Raises
    ------
    RequestError
        The recipe does not suit the data.
    """
    if not len(data.x_train):
        raise RequestError("data must have samples to train with")
    x = np.ascontiguousarray(data.x_train[:: max(1, len(data.x_train) // FRAMES)], np.float32)
    samples = torch.from_numpy(x.reshape(len(x), *(recipe.shape or (-1,))))
    model = build(recipe, data.x_train[0].size, data.classes, torch.Generator().manual_seed(0), samples)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, BatchNorm):
                # One pass decides.
                module.momentum = 1.0
        model.train()
        model(samples)
        model.eval()
    with as_file(to_onnx(model, tuple(samples.shape[1:]), {}), "untrained.onnx") as path:
        return streamline(read_model(path).network).network, weight_bits(model)
