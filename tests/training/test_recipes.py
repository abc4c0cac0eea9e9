from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from bnnhw import datasets
from bnnhw.errors import RequestError
from bnnhw.training.check import check_export
from bnnhw.training.evaluation import weight_bits
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.layers import BatchNorm
from bnnhw.training.models import build
from bnnhw.training.recipes import RECIPES, Recipe, find_recipe


def test_recipes_are_found_by_name() -> None:
    assert "digits" in RECIPES
    for name, recipe in RECIPES.items():
        assert find_recipe(name) is recipe
        assert recipe.name == name


def test_an_unknown_recipe_lists_the_known_ones() -> None:
    known = ", ".join(sorted(RECIPES))
    with pytest.raises(RequestError, match=rf"^recipe must be one of {re.escape(known)}, not 'digit'$"):
        find_recipe("digit")


def features_of(recipe: Recipe) -> tuple[tuple[int, ...], int]:
    """The shape of a sample as the network takes it, and the classes, whether or not the data are here."""
    found = datasets.available(recipe.dataset)
    return recipe.shape or (int(np.prod(found.shape)),), found.classes


def reduced(recipe: Recipe) -> Recipe:
    """The same network, of a few channels and neurons."""
    convs = tuple(dataclasses.replace(conv, channels=max(3, conv.channels // 32)) for conv in recipe.convs)
    lookup = recipe.lookup
    if lookup is not None:
        lookup = dataclasses.replace(lookup, neurons=tuple(max(30, n // 300 * 10) for n in lookup.neurons))
    widths = tuple(max(6, width // 256) for width in recipe.widths)
    return dataclasses.replace(recipe, convs=convs, widths=widths, lookup=lookup)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_built_exported_and_read_as_it_is(name: str, tmp_path: Path) -> None:
    recipe = find_recipe(name)
    shape, classes = features_of(recipe)
    random = np.random.default_rng(0)
    if recipe.input.signed or recipe.input.levels != "steps":
        samples = random.normal(0, 4 * recipe.input.scale, (24, *shape))
    else:
        samples = random.integers(0, 16 if recipe.dataset == "digits" else 256, (24, *shape))
    samples = samples.astype(np.float32)
    fitted = None if recipe.input.levels == "steps" else torch.from_numpy(samples)
    model = build(reduced(recipe), int(np.prod(shape)), classes, torch.Generator().manual_seed(0), fitted)
    # Statistics for the norms, so that the activations spread; gammas of both signs.
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, BatchNorm) and len(module.weight) > 1:
                module.weight[::3] *= -1
        model.train()(torch.from_numpy(samples))
    path = tmp_path / "m.onnx"
    exported = to_onnx(model.eval(), shape, {"recipe": name})
    onnx.checker.check_model(exported)
    write_onnx(exported, path)
    check_export(model, path, samples)


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        # FINN's paper and its users state 1,542,848 for CNV.
        ("cifar10-cnv", 1_542_848),
        ("svhn-cnv", 1_542_848),
        # 27, 1152, 1152, 2304, 2304, 4608 inputs of 128, 128, 256, 256, 512, 512; then 8192 - 1024 - 1024 - 10.
        (
            "cifar10-binarynet",
            128 * (27 + 1152) + 256 * (1152 + 2304) + 512 * (2304 + 4608) + 1024 * (8192 + 1024 + 10),
        ),
        ("mnist-lfc", 2_910_208),
    ],
)
def test_sizes_of_published_networks(name: str, bits: int) -> None:
    recipe = find_recipe(name)
    shape, classes = features_of(recipe)
    assert weight_bits(build(recipe, int(np.prod(shape)), classes, torch.Generator())) == bits


def test_the_mlp_of_binarynet() -> None:
    recipe = find_recipe("mnist-binarynet")
    assert (recipe.widths, recipe.input.bits, recipe.loss) == ((4096,) * 3, 8, "squared-hinge")
    assert (recipe.optimizer, recipe.components.norm) == ("shift-adamax", "shift")
