"""Train a module of one's own, and export it: what is used without a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from bnnhw.errors import RequestError, UnsupportedError
from bnnhw.training.check import as_file, check_export, check_readable
from bnnhw.training.device import choose_device, deterministic, generator_of
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.optimize import Epoch, Trainer
from bnnhw.training.settings import Settings
from bnnhw.training.train import Report

__all__ = ["export_model", "train_model"]


def _check_readable(model: nn.Module, shape: tuple[int, ...]) -> None:
    with as_file(to_onnx(model, shape, {}), "model.onnx") as trial:
        try:
            check_readable(trial)
        except UnsupportedError as error:
            what = str(error).removeprefix(f"{trial}: ")
            raise UnsupportedError(f"model {type(model).__name__}: {what}") from None


def train_model(
    model: nn.Module,
    x: ArrayLike,
    y: ArrayLike,
    settings: Settings | None = None,
    *,
    seed: int = 0,
    device: str = "auto",
    progress: Report | None = None,
) -> list[Epoch]:
    """Train a module in place; it is left on the CPU, in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        Made of modules that have an export (:mod:`bnnhw.training.export`): raw samples in, scores out, an input
        quantizer first and a :class:`~bnnhw.training.layers.TensorNorm` last. Its ``forward`` may call them in any way
        that is the same for all samples, add branches, flatten and reshape.
    x : array (frames, features) or (frames, channels, height, width)
        Raw samples, taken as float32.
    y : array (frames,)
        Classes, from 0.
    settings : Settings, optional
    seed : int
        Decides the order of the frames; initial weights are those that the model comes with.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    progress : callable, optional
        Called after each epoch: its number from 1, the mean loss, the training accuracy (0..1).

    Returns
    -------
    list of Epoch

    Raises
    ------
    TypeError
        Something in the model has no export; names it.
    UnsupportedError
        The compiler can't read what the model is made of; found before the training.
    RequestError
        An impossible option.
    """
    settings = settings or Settings()
    generator, place = generator_of(seed), choose_device(device)
    samples = torch.from_numpy(np.ascontiguousarray(x, np.float32))
    labels = torch.from_numpy(np.ascontiguousarray(y, np.int64))
    if labels.shape != samples.shape[:1]:
        raise RequestError(
            f"y must be one class for each of {len(samples)} samples, not of shape {tuple(labels.shape)}"
        )
    history: list[Epoch] = []
    with deterministic():
        _check_readable(model, tuple(samples.shape[1:]))
        model.to(place)
        trainer = Trainer(model, samples.to(place), labels.to(place), settings, generator)
        while not trainer.done:
            history.append(epoch := trainer.run_epoch())
            if progress is not None:
                progress(epoch.epoch, epoch.loss, epoch.accuracy)
        trainer.finish()
        model.cpu()
    return history


def export_model(
    model: nn.Module, path: Path | str, samples: ArrayLike, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a module as QONNX, if what the compiler reads of the file is the module.

    Scores, hidden activations and classes of the network that is read back are compared with those of the module in
    float64 (:func:`~bnnhw.training.check.check_export`).

    Parameters
    ----------
    model : torch.nn.Module
        As for :func:`train_model`, in float32.
    path : Path or str
        The ONNX file, written whole or not at all.
    samples : array (frames, features) or (frames, channels, height, width)
        Raw samples that it is compared over: those of a test split.
    metadata : mapping of str to str, optional
        Kept in the file.

    Raises
    ------
    TypeError
        Something in the model has no export; names it.
    CheckError
        The export is not the module; nothing is written.
    UnsupportedError, FileError
        The compiler can't read it, or the file can't be written.
    """
    path, raw = Path(path), np.ascontiguousarray(samples, np.float32)
    exported = to_onnx(model, raw.shape[1:], metadata or {})
    with as_file(exported, "model.onnx") as trial:
        check_export(model, trial, raw)
    write_onnx(exported, path)
