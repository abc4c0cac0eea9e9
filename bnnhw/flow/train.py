"""A recipe becomes a trained model; the training itself is :mod:`bnnhw.training`."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.datasets import KNOWN, Reading
from bnnhw.datasets.reading import PLAIN
from bnnhw.errors import RequestError
from bnnhw.files import scratch
from bnnhw.flow.progress import Progress, silent

if TYPE_CHECKING:
    from bnnhw.training.recipe import Recipe
    from bnnhw.training.recipe_file import RecipeFile
    from bnnhw.training.train import TrainResult

__all__ = ["TOML", "no_folder_of_kernels", "train", "train_json"]

TOML = ".toml"
"""Suffix of a recipe's file."""


CACHE = "TORCHINDUCTOR_CACHE_DIR"


@contextmanager
def no_folder_of_kernels() -> Generator[None]:
    """Keeps PyTorch from leaving a folder behind: it makes one for compiled kernels, of which there are none here."""
    if CACHE in os.environ:
        yield
        return
    with scratch() as folder:
        os.environ[CACHE] = str(folder)
        try:
            yield
        finally:
            del os.environ[CACHE]


def train(
    recipe: str | Path,
    output: Path | str,
    *,
    data: Path | str | None = None,
    dataset: str | None = None,
    reading: Reading = PLAIN,
    epochs: int | None = None,
    seed: int = 0,
    device: str = "auto",
    run_dir: Path | str | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Trains a recipe and writes the model as QONNX; the test split is used once, to measure the result.

    Parameters
    ----------
    recipe : str or Path
        A name that :data:`bnnhw.training.recipes.RECIPES` has, or a TOML file.
    output : Path or str
        The ONNX file.
    data : Path or str, optional
        The root of the data sets.
    dataset : str, optional
        Instead of the recipe's: a name or a path.
    reading : Reading
        How a path is read and split; what it leaves open is as the recipe says.
    epochs : int, optional
        Instead of the recipe's.
    seed : int
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    run_dir : Path or str, optional
        Keeps a checkpoint there, from which the same call goes on.

    Raises
    ------
    ToolError
        When PyTorch is missing.
    """
    chosen, file = _find(recipe)
    if dataset is not None:
        named = dataset in KNOWN
        chosen = replace(chosen, dataset=dataset, reading=reading if named else reading.after(chosen.reading.said))
    elif reading.said:
        chosen = replace(chosen, reading=reading.after(chosen.reading.said))
    total = chosen.teacher_epochs + (epochs if epochs is not None else chosen.epochs)
    with no_folder_of_kernels():
        from bnnhw.training.train import train as run

        try:
            return run(
                chosen,
                data_dir=None if data is None else Path(data),
                epochs=epochs,
                seed=seed,
                device=device,
                output=Path(output),
                run_dir=None if run_dir is None else Path(run_dir),
                progress=lambda epoch, _loss, _accuracy: progress(epoch, total),
            )
        except RequestError as error:
            raise (error if file is None else file.blame(error)) from None


def _find(recipe: str | Path) -> tuple[Recipe, RecipeFile | None]:
    """A recipe by its name or its file."""
    from bnnhw.training.recipe_file import RecipeFile
    from bnnhw.training.recipes import RECIPES, find_recipe

    path = Path(recipe)
    if str(recipe) not in RECIPES and (path.suffix == TOML or path.is_file()):
        file = RecipeFile.read(path)
        return file.recipe, file
    return find_recipe(str(recipe)), None


def train_json(result: TrainResult) -> dict[str, Any]:
    """What ``bnnhw train`` says of a result."""
    return {
        "recipe": result.recipe,
        "dataset": result.dataset,
        "classes": list(result.names),
        "accuracy": result.accuracy,
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "seed": result.seed,
        "wall_s": result.wall_s,
        "model": str(result.model),
    }
