"""Input levels taken from samples: thresholds, and the same in the file that is exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bnnhw.errors import RequestError
from bnnhw.frontend import read_model
from bnnhw.training.check import check_export
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.fitted import fit_thresholds
from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layer_recipes import Components, ConvRecipe
from bnnhw.training.models import build
from bnnhw.training.recipe import Recipe

EVEN, RANKED = InputRecipe(2, levels="even"), InputRecipe(2, levels="ranked", per="channel")


def test_even_levels_part_the_range() -> None:
    samples = np.linspace(0, 4, 4001).reshape(-1, 1)
    assert fit_thresholds(samples, EVEN)[0] == pytest.approx([1, 2, 3], abs=0.05)
    stray = np.append(samples, [[1e9]], axis=0)
    assert fit_thresholds(stray, EVEN)[0] == pytest.approx([1, 2, 3], abs=0.05)
    # Nearly all one number: the others still count.
    assert fit_thresholds(np.array([[0.0]] * 999 + [[8.0]]), EVEN).tolist() == [[2, 4, 6]]


def test_ranked_levels_are_equally_full() -> None:
    random = np.random.default_rng(0)
    samples = np.stack([random.lognormal(0, 2, 4000), 1e6 + random.normal(0, 1, 4000)], axis=1)
    thresholds = fit_thresholds(samples, RANKED)
    for row, column in zip(thresholds, samples.T, strict=True):
        counts = np.bincount((column[:, None] >= row).sum(axis=1), minlength=4)
        assert counts == pytest.approx([1000] * 4, rel=0.2)
    few = np.array([[0.0, 5.0], [1.0, 5.0]] * 3)
    assert fit_thresholds(few, RANKED).tolist() == [[0.5, 0.5, 0.5], [5, 5, 5]]
    three = fit_thresholds(np.array([[1.0], [2.0], [4.0]]), RANKED)
    assert set(three[0].tolist()) == {1.5, 3.0}


RECIPES = {
    "table": Recipe("t", "", "d", RANKED, (8,), 1, 4, 0.01),
    "thermometer": Recipe(
        "t", "", "d", RANKED, (8,), 1, 4, 0.01, shape=(6, 1, 1), components=Components(thermometer=3)
    ),
    "map": Recipe(
        "t", "", "d", InputRecipe(3, levels="even", per="channel"), (), 1, 4, 0.01, shape=(2, 1, 12),
        convs=(ConvRecipe(5, (1, 3), pool=(1, 2)),),
    ),
    "image": Recipe("t", "", "d", EVEN, (8,), 1, 4, 0.01, shape=(2, 3, 4)),
}  # fmt: skip


@pytest.mark.parametrize("case", RECIPES)
def test_the_file_holds_the_same_levels(case: str, tmp_path: Path) -> None:
    recipe = RECIPES[case]
    shape = recipe.shape or (6,)
    random = np.random.default_rng(1)
    scale = 10.0 ** random.integers(-3, 4, (shape[0], *[1] * (len(shape) - 1)))
    samples = (random.normal(1, 1, (40, *shape)) * scale).astype(np.float32)
    model = build(recipe, int(np.prod(shape)), 3, torch.Generator().manual_seed(0), torch.from_numpy(samples)).eval()
    # Some samples are thresholds themselves.
    thresholds = model[0].thresholds
    rows = torch.broadcast_to(thresholds, (shape[0], thresholds.shape[1]))
    for i in range(thresholds.shape[1]):
        samples[i] = rows[:, i].reshape(-1, *[1] * (len(shape) - 1))
    path = tmp_path / "m.onnx"
    write_onnx(to_onnx(model, shape, {}), path)
    check_export(model, path, samples)
    spec = read_model(path).network.input
    assert len(spec.rows) == (1 if recipe.input.per == "input" else shape[0])


def test_levels_need_samples_and_sense() -> None:
    with pytest.raises(RequestError, match=r"^an input whose levels are fitted needs samples$"):
        build(RECIPES["table"], 6, 3, torch.Generator())
    for wrong in ({"scale": 2.0}, {"signed": True}, {"threshold": 1.0}):
        with pytest.raises(
            RequestError, match=r"^levels that are fitted have no threshold, scale or sign of their own$"
        ):
            InputRecipe(2, levels="even", **wrong)
    with pytest.raises(RequestError, match=r"^bits of an input with fitted levels must be in 2..8, not 1$"):
        InputRecipe(1, levels="ranked")
