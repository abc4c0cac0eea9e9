"""A recipe becomes a trained model; the training itself is :mod:`bnnhw.training`."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.files import scratch
from bnnhw.flow.progress import Progress, silent

if TYPE_CHECKING:
    from bnnhw.training.train import TrainResult

__all__ = ["train", "train_json"]


CACHE = "TORCHINDUCTOR_CACHE_DIR"


@contextmanager
def _no_folder_of_kernels() -> Generator[None]:
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
    recipe: str,
    output: Path | str,
    *,
    data: Path | str | None = None,
    epochs: int | None = None,
    seed: int = 0,
    device: str = "auto",
    run_dir: Path | str | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Trains a recipe and writes the model as QONNX; the test split is used once, to measure the result.

    Parameters
    ----------
    recipe : str
        A name that :data:`bnnhw.training.recipes.RECIPES` has.
    output : Path or str
        The ONNX file.
    data : Path or str, optional
        The root of the data sets.
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
    from bnnhw.training.recipes import find_recipe

    chosen = find_recipe(recipe)
    total = chosen.teacher_epochs + (epochs if epochs is not None else chosen.epochs)
    with _no_folder_of_kernels():
        from bnnhw.training.train import train as run

        return run(
            recipe,
            data_dir=None if data is None else Path(data),
            epochs=epochs,
            seed=seed,
            device=device,
            output=Path(output),
            run_dir=None if run_dir is None else Path(run_dir),
            progress=lambda epoch, _loss, _accuracy: progress(epoch, total),
        )


def train_json(result: TrainResult) -> dict[str, Any]:
    """What ``bnnhw train`` says of a result."""
    return {
        "recipe": result.recipe,
        "accuracy": result.accuracy,
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "seed": result.seed,
        "wall_s": result.wall_s,
        "model": str(result.model),
    }
