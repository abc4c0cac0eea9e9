"""Train a recipe, prove its export equal to it, and write the export."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError, RequestError, ToolError, UnsupportedError
from bnnhw.files import check_output

try:
    import torch
except ModuleNotFoundError as error:
    raise ToolError("PyTorch is needed to train, and was not found: pip install 'bnnhw[train]'") from error

from bnnhw import datasets
from bnnhw.training.check import as_file, check_export, check_readable
from bnnhw.training.device import choose_device, deterministic, generator_of
from bnnhw.training.evaluation import scores_float64, weight_bits
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.models import build
from bnnhw.training.optimize import Trainer
from bnnhw.training.recipe import Recipe
from bnnhw.training.recipes import find_recipe
from bnnhw.training.run import RunFolder
from bnnhw.training.teacher import teacher_recipe

__all__ = ["Report", "TrainResult", "train"]


@dataclass(frozen=True)
class TrainResult:
    """What a training run gave.

    Parameters
    ----------
    recipe : str
    accuracy : float
        Over the test split, 0..1, of the float64 evaluation model; the exported network's is the same.
    epochs : int
        As run: fewer than asked for where the recipe's patience ended it.
    wall_s : float
        Seconds, from loading the data to the written model; of a resumed run, since it was resumed.
    model : Path
        The ONNX file.
    seed : int
    weight_bits : int
    best_epoch : int
        Whose model it is: the last one's without patience.
    dataset : str
    names : tuple of str
        Of the classes.
    """

    recipe: str
    accuracy: float
    epochs: int
    wall_s: float
    model: Path
    seed: int
    weight_bits: int
    best_epoch: int
    dataset: str = ""
    names: tuple[str, ...] = ()


def _shaped(samples: NDArray[np.generic], recipe: Recipe) -> NDArray[np.float32]:
    """Samples as the network takes them: flat, or maps."""
    return np.ascontiguousarray(samples, np.float32).reshape(len(samples), *(recipe.shape or (-1,)))


Report: TypeAlias = Callable[[int, float, float], None]
"""Called after each epoch: its number from 1, the mean loss, the training accuracy (0..1)."""


def _run(trainer: Trainer, folder: RunFolder | None, progress: Report | None, done: int = 0) -> None:
    """Train to the end, from the folder's checkpoint if it has one; ``done`` epochs were reported before."""
    if folder is not None:
        folder.resume(trainer)
    while not trainer.done:
        epoch = trainer.run_epoch()
        if folder is not None:
            folder.keep(trainer, epoch)
        if progress is not None:
            progress(done + epoch.epoch, epoch.loss, epoch.accuracy)
    trainer.finish()


def _identity(recipe: Recipe, data: datasets.Dataset, epochs: int, seed: int, device: torch.device) -> dict[str, str]:
    """What decides a run."""
    facts = {"recipe": recipe.name, "definition": repr(recipe), "epochs": epochs, "seed": seed, "device": device.type}
    return {
        # What a path holds may change.
        **(
            {}
            if data.kind is None
            else {"data": hashlib.sha256(data.x_train.tobytes() + data.y_train.tobytes()).hexdigest()}
        ),
        **{name: str(fact) for name, fact in facts.items()},
        "torch": str(torch.__version__),
        "bnnhw": version("bnnhw"),
    }


def _data_facts(data: datasets.Dataset) -> dict[str, str]:
    """What a model keeps of its data: the classes where they have names, and how data of one's own were read."""
    facts = {}
    if data.names != tuple(map(str, range(data.classes))):
        facts["classes"] = json.dumps(data.names)
    if data.kind is not None:
        facts["reading"] = data.reading.text()
    return facts


def train(
    recipe: str | Recipe,
    *,
    data_dir: Path | None = None,
    epochs: int | None = None,
    seed: int = 0,
    device: str = "auto",
    output: Path,
    run_dir: Path | None = None,
    progress: Report | None = None,
) -> TrainResult:
    """Train a network and write it as ONNX.

    The model of the last epoch is the result, or with the recipe's patience the one that was best on held-out frames of
    the training split; the test split is used once, afterwards, to measure it and to check the export
    (:func:`~bnnhw.training.check.check_export`). The same recipe, epochs, seed, device and PyTorch give the same
    bytes.

    Parameters
    ----------
    recipe : str or Recipe
    data_dir : Path, optional
        The root of the data sets, for :func:`bnnhw.datasets.load`.
    epochs : int, optional
        Instead of the recipe's.
    seed : int
        Decides initial weights and the order of the frames. 0 to :data:`~bnnhw.training.device.MAX_SEED`.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    output : Path
        The ONNX file, written whole or not at all.
    run_dir : Path, optional
        Keeps a checkpoint, ``metrics.csv`` and ``result.json`` there (:mod:`bnnhw.training.run`); with a checkpoint in
        it, training goes on from there, and ends in the same model.
    progress : callable, optional
        Called after each epoch: its number from 1, the mean loss, the training accuracy (0..1). The epochs of a teacher
        come first and count.

    Raises
    ------
    RequestError
        An unknown recipe or data set, or an impossible option.
    FileError
        Data that is missing or damaged, or an output that can't be written.
    UnsupportedError
        The compiler can't read what the recipe is made of; found before the training.
    CheckError
        The export is not the trained network; nothing is written.
    """
    chosen = find_recipe(recipe) if isinstance(recipe, str) else recipe
    epochs = chosen.epochs if epochs is None else epochs
    if epochs < 1:
        raise RequestError(f"epochs must be at least 1, not {epochs}")
    generator = generator_of(seed)
    place = choose_device(device)
    # Refused here rather than after the training.
    check_output(output, "model")
    if not output.parent.is_dir():
        raise FileError(f"{output}: can't be written: {output.parent} is not a folder")

    start = time.perf_counter()
    data = datasets.load(chosen.dataset, data_dir, chosen.reading)
    with deterministic():
        x_train, x_test = _shaped(data.x_train, chosen), _shaped(data.x_test, chosen)
        samples = torch.from_numpy(x_train)
        model = build(chosen, data.x_train[0].size, data.classes, generator, samples)
        with as_file(to_onnx(model, x_test.shape[1:], {}), output.name) as trial:
            # What the compiler can't read is refused here rather than after the training.
            try:
                check_readable(trial)
            except UnsupportedError as error:
                raise UnsupportedError(f"recipe {chosen.name}: {str(error).removeprefix(f'{trial}: ')}") from None
        model.to(place)
        labels = torch.from_numpy(np.ascontiguousarray(data.y_train, np.int64)).to(place)
        samples = samples.to(place)

        def folder(of: Recipe, number: int, path: Path | None) -> RunFolder | None:
            return None if path is None else RunFolder(path, _identity(of, data, number, seed, place))

        kept = folder(chosen, epochs, run_dir)
        teacher = None
        if chosen.teacher_epochs:
            its = teacher_recipe(chosen)
            # A seed of its own, so that a run resumed behind it finds the generator as it was.
            own = generator_of(seed)
            teacher = build(its, data.x_train[0].size, data.classes, own, samples.cpu(), real=True).to(place)
            where = None if run_dir is None else run_dir / "teacher"
            _run(Trainer(teacher, samples, labels, its.settings, own), folder(its, its.epochs, where), progress)
        trainer = Trainer(model, samples, labels, replace(chosen.settings, epochs=epochs), generator, teacher)
        _run(trainer, kept, progress, chosen.teacher_epochs)
        model.cpu()
        scores = scores_float64(model, x_test)

    accuracy = float((scores.argmax(axis=1) == data.y_test).mean())
    metadata = {
        "recipe": chosen.name,
        "dataset": chosen.dataset,
        "seed": str(seed),
        "epochs": str(trainer.epoch),
        "accuracy": f"{accuracy:.6f}",
        **_data_facts(data),
    }
    exported = to_onnx(model, x_test.shape[1:], metadata)
    with as_file(exported, output.name) as trial:
        check_export(model, trial, x_test)
    write_onnx(exported, output)
    result = TrainResult(
        chosen.name,
        accuracy,
        trainer.epoch,
        time.perf_counter() - start,
        output,
        seed,
        weight_bits(model),
        trainer.best_epoch or trainer.epoch,
        chosen.dataset,
        data.names,
    )
    if kept is not None:
        kept.finish(asdict(result))
    return result
