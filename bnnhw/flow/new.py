"""A recipe that suits data and a board."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.boards import Board
from bnnhw.datasets import KNOWN, Dataset, Reading, load, suggest
from bnnhw.datasets.reading import FLAGS, PLAIN
from bnnhw.errors import CheckError, FoldingError, RequestError
from bnnhw.files import new_folders, seal, write_text
from bnnhw.flow.choose import fold
from bnnhw.flow.fold import as_board, check_frame_bits, cost, fold_json
from bnnhw.flow.progress import Stage, silent_stage
from bnnhw.flow.train import no_folder_of_kernels

if TYPE_CHECKING:
    from bnnhw.training.recipe import Recipe

__all__ = ["NewRecipe", "new_json", "new_recipe", "save_recipe"]

SHARE = 0.6
"""Of a board's LUT4: thresholds of trained layers, and place and route, want room."""

WEIGHTS_PER_FRAME = 400
"""Most weights per sample to train with: with more, a network learns its samples by heart."""

FEW = 20_000
"""Weights that are never too many."""


@dataclass(frozen=True)
class NewRecipe:
    """A recipe, the data it is for, and what its network takes of a board before it is trained.

    Parameters
    ----------
    recipe : Recipe
    data : Dataset
    board : Board
    lut4, bram : int
        Estimated, those of the link included.
    fps, link_fps : float
        Frames per second at the board's clock; those that its link carries.
    weight_bits : int
    notes : tuple of str
        What was decided about the data, and what in them was passed over.
    """

    recipe: Recipe
    data: Dataset
    board: Board
    lut4: int
    bram: int
    fps: float
    link_fps: float
    weight_bits: int
    notes: tuple[str, ...] = ()


def new_recipe(
    dataset: str,
    board: Board | str,
    *,
    name: str,
    data: Path | None = None,
    reading: Reading = PLAIN,
    stage: Stage = silent_stage,
) -> NewRecipe:
    """The largest network for data of this shape that fits a board, and that so many samples can train.

    Each candidate is built untrained, imported and folded, as a trained one will be.

    Parameters
    ----------
    dataset : str
        A name or a path.
    board : Board or str
    name : str
        Of the recipe.
    data : Path, optional
        The root of the named data sets.
    reading : Reading
        How a path is read.
    stage : callable
        Told of the steps.

    Raises
    ------
    CheckError
        None fits the board.
    RequestError, FileError
        The data can't be read.
    ToolError
        When PyTorch is missing.
    """
    with no_folder_of_kernels():
        from bnnhw.training.suggest import candidates
        from bnnhw.training.untrained import untrained

    board = as_board(board)
    with stage("read"):
        reading, notes = suggest(dataset, reading)
        found = load(dataset, data, reading)
    if not np.isfinite(found.x_train.astype(np.float64)).all():
        raise RequestError(f"data set {dataset} must have finite numbers")
    frames = len(found.x_train)
    reasons = list[str]()
    with stage("fit") as update:
        options = list(candidates(name, dataset, found.shape, found.classes, frames))
        try:
            check_frame_bits(options[0].input.bits * math.prod(found.shape), board)
        except RequestError as error:
            raise RequestError(f"{board.name}: {error}{_smaller(found)}") from None
        for number, option in enumerate(options):
            update(number, len(options))
            recipe = replace(option, reading=reading)
            try:
                network, weights = untrained(recipe, found)
                if weights > max(FEW, WEIGHTS_PER_FRAME * frames) and number + 1 < len(options):
                    continue
                folded = fold(network, board)
                estimate = cost(folded, board)
            except (CheckError, FoldingError) as error:
                reasons.append(str(error))
                continue
            if estimate.lut4 > SHARE * board.lut4 and number + 1 < len(options):
                continue
            if estimate.lut4 > board.lut4:
                reasons.append(f"the smallest takes about {estimate.lut4} LUT4 of {board.lut4}")
                continue
            said = fold_json(folded, board)
            return NewRecipe(
                recipe,
                found,
                board,
                estimate.lut4,
                estimate.bram,
                said["fps"],
                said["link_fps"],
                weights,
                (*notes, *found.notes),
            )
    why = f": {reasons[-1]}" if reasons else ""
    raise CheckError(f"no network for samples of {_sizes(found.shape)} fits {board.name}{why}{_smaller(found)}")


def _smaller(data: Dataset) -> str:
    """How samples become smaller, where an option does that."""
    return f"; {FLAGS['size']} HxW scales images to fewer pixels" if data.kind == "images" else ""


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def save_recipe(new: NewRecipe, path: Path | str) -> None:
    """Writes a recipe as TOML; paths in it are as from its folder where they lie below it, else absolute."""
    from bnnhw.training.recipe_file import recipe_text

    path = Path(path)

    def moved(name: str) -> str:
        if name in KNOWN:
            return name
        target, folder = Path(os.path.abspath(name)), Path(os.path.abspath(path.parent))  # noqa: PTH100 - links stay
        return str(target.relative_to(folder)) if target.is_relative_to(folder) else str(target)

    recipe = replace(new.recipe, dataset=moved(new.recipe.dataset))
    if recipe.reading.test is not None:
        recipe = replace(recipe, reading=replace(recipe.reading, test=moved(recipe.reading.test)))
    head = (
        f"A recipe for {new.recipe.summary}, {new.data.classes} classes, {len(new.data.x_train)} samples to train "
        f"with,\nmade for {new.board.name}: about {new.lut4} of its {new.board.lut4} LUT4 before training.\n"
        f"bnnhw train {path.name} -o {path.stem}.onnx\n{seal('recipe')}"
    )
    with new_folders(path.parent):
        write_text(path, recipe_text(recipe, head), "recipe")


def new_json(new: NewRecipe, path: Path) -> dict[str, Any]:
    """What ``bnnhw new`` says of a recipe that was written at ``path``."""
    return {
        "recipe": str(path),
        "dataset": new.recipe.dataset,
        "kind": new.data.kind,
        "shape": list(new.data.shape),
        "classes": list(new.data.names),
        "train": len(new.data.x_train),
        "test": len(new.data.x_test),
        "board": new.board.name,
        "weight_bits": new.weight_bits,
        "fps": new.fps,
        "link_fps": new.link_fps,
        "estimate": {"lut4": new.lut4, "bram": new.bram},
        "epochs": new.recipe.epochs,
    }
