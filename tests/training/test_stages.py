"""Two stages, weight decay, and learning from a teacher."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from bnnhw import datasets
from bnnhw.datasets.dataset import Dataset
from bnnhw.errors import RequestError
from bnnhw.training import run
from bnnhw.training.conv import BinaryConv2d
from bnnhw.training.fan_in import FanInLinear
from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layer_recipes import Components, ConvRecipe
from bnnhw.training.layers import BinaryLayer, BinaryLinear
from bnnhw.training.models import build
from bnnhw.training.optimize import Trainer
from bnnhw.training.recipe import Recipe
from bnnhw.training.scaling import ScaledLinear
from bnnhw.training.teacher import distributional, teacher_recipe
from bnnhw.training.train import TrainResult, train
from tests.training.bumps import bumps_of

RECIPE = Recipe(
    name="toy",
    summary="",
    dataset="bumps",
    input=InputRecipe(bits=3, scale=0.5, signed=True),
    widths=(8,),
    epochs=8,
    batch=20,
    learning_rate=0.02,
    shape=(1, 1, 12),
    convs=(ConvRecipe(6, (1, 3), pool=(1, 2)),),
    first_stage=0.5,
    weight_decay=(1e-2, 0.0),
)


@pytest.fixture(autouse=True)
def bumps(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    data = bumps_of((1, 1, 12), 100, 60)
    monkeypatch.setattr(datasets, "load", lambda *_: data)
    monkeypatch.setattr(run, "INTERVAL_S", 0.0)
    return data


def trainer_of(recipe: Recipe, data: Dataset, teacher: nn.Module | None = None) -> Trainer:
    generator = torch.Generator().manual_seed(0)
    model = build(recipe, 12, 2, generator)
    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    return Trainer(model, x, y, recipe.settings, generator, teacher)


def layers_of(trainer: Trainer) -> list[BinaryLayer]:
    return [module for module in trainer.model.modules() if isinstance(module, BinaryLayer)]


def test_real_weights_are_the_latent_ones() -> None:
    for layer in (BinaryLinear(4, 2), ScaledLinear(4, 2), FanInLinear(4, 2, 3)):
        layer.real = True
        x = torch.tensor([[1.0, 2.0, 4.0, 8.0]])
        used = layer.latent.clone()
        if isinstance(layer, FanInLinear):
            used[[0, 1], layer.latent.abs().argmin(dim=1)] = 0
        for mode in (True, False):
            assert torch.equal(layer.train(mode)(x), x @ used.T)


def test_stages_follow_each_other(bumps: Dataset) -> None:
    trainer = trainer_of(RECIPE, bumps)
    rates, real = [], []
    while not trainer.done:
        row = trainer.run_epoch()
        rates.append(row.learning_rate)
        real.append({layer.real for layer in layers_of(trainer)})
        decay = {group["weight_decay"] for group in trainer.optimizers[0].param_groups}
        assert decay == ({1e-2, 0} if row.epoch <= 4 else {0})
    assert real == [{True}] * 4 + [{False}] * 4
    # The schedule starts anew.
    assert rates[:4] == rates[4:] == sorted(rates[:4], reverse=True)


def test_decay_reaches_weights_alone(bumps: Dataset) -> None:
    groups = trainer_of(RECIPE, bumps).optimizers[0].param_groups
    assert [group["weight_decay"] for group in groups] == [1e-2, 0]
    # A convolution and two matrices; gammas and betas of three norms.
    assert [len(group["params"]) for group in groups] == [3, 6]


def test_one_epoch_has_no_first_stage(bumps: Dataset) -> None:
    trainer = trainer_of(dataclasses.replace(RECIPE, epochs=1), bumps)
    assert trainer.stage == 2 and not any(layer.real for layer in layers_of(trainer))


def test_the_best_model_is_one_of_the_second_stage(bumps: Dataset) -> None:
    trainer = trainer_of(dataclasses.replace(RECIPE, validation=0.3, patience=2, epochs=20), bumps)
    while not trainer.done:
        trainer.run_epoch()
        assert trainer.epoch >= 10 or trainer.best_epoch == 0
    assert trainer.best_epoch > 10


def test_the_distributional_loss_by_hand() -> None:
    # Teacher 3/4, 1/4; student 1/2, 1/2: 3/4 log(3/2) + 1/4 log(1/2). The second frame agrees.
    teacher = torch.tensor([[math.log(3), 0.0], [1.0, 5.0]], requires_grad=True)
    scores = torch.tensor([[7.0, 7.0], [2.0, 6.0]], requires_grad=True)
    loss = distributional(scores, teacher)
    assert loss.item() == pytest.approx((0.75 * math.log(1.5) + 0.25 * math.log(0.5)) / 2, rel=1e-6)
    loss.backward()
    # Of the softmax: p - p_teacher, over the frames.
    assert scores.grad is not None and teacher.grad is None
    assert scores.grad[0].tolist() == pytest.approx([-0.125, 0.125], rel=1e-6)


def test_a_teacher_is_the_real_valued_twin() -> None:
    recipe = dataclasses.replace(RECIPE, loss="distributional", teacher_epochs=5)
    its = teacher_recipe(recipe)
    assert (its.loss, its.epochs, its.first_stage, its.weight_decay) == ("cross-entropy", 5, 0.0, (0.0, 0.0))
    model = build(its, 12, 2, torch.Generator().manual_seed(0), real=True)
    assert [type(module).__name__ for module in model] == [
        "SignedInput", "BinaryConv2d", "BatchNorm", "ReLU", "MaxPool",
        "Flatten", "BinaryLinear", "BatchNorm", "ReLU", "BinaryLinear", "TensorNorm",
    ]  # fmt: skip
    conv = model[1]
    assert isinstance(conv, BinaryConv2d) and conv.real
    assert len(conv.signs.unique()) > 2


class Interrupted(Exception):
    """What stops a run in these tests."""


def trained(recipe: Recipe, output: Path, **options: object) -> TrainResult:
    return train(recipe, **{"device": "cpu", "output": output, **options})  # pyright: ignore


REACT = dataclasses.replace(RECIPE, components=Components(activation="rprelu-rsign", scaled=True))
TAUGHT = dataclasses.replace(RECIPE, loss="distributional", teacher_epochs=3)


@pytest.mark.parametrize(
    ("recipe", "stop"),
    [(REACT, 4), (TAUGHT, 2), (TAUGHT, 5)],
    ids=["between the stages", "in the teacher's epochs", "in the first stage"],
)
def test_an_interrupted_run_ends_in_the_same_model(recipe: Recipe, stop: int, tmp_path: Path) -> None:
    def interrupt(epoch: int, loss: float, accuracy: float) -> None:
        if epoch == stop:
            raise Interrupted

    straight, resumed, folder = tmp_path / "straight.onnx", tmp_path / "resumed.onnx", tmp_path / "run"
    epochs: list[int] = []
    result = trained(recipe, straight, progress=lambda epoch, *_: epochs.append(epoch))
    assert epochs == list(range(1, recipe.teacher_epochs + 9))
    with pytest.raises(Interrupted):
        trained(recipe, resumed, run_dir=folder, progress=interrupt)
    trained(recipe, resumed, run_dir=folder)
    assert straight.read_bytes() == resumed.read_bytes()
    assert (folder / "teacher" / "checkpoint.pt").exists() == (recipe.teacher_epochs > 0)
    assert result.accuracy > 0.7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first_stage": 1.0}, r"first_stage must be in 0\.\.1, 1 excluded, not 1\.0"),
        ({"weight_decay": (-1.0, 0.0)}, r"weight_decay must not be negative, not \(-1\.0, 0\.0\)"),
        ({"optimizer": "bop"}, r"bop has no latent weights to train in a first stage, or to decay"),
        ({"optimizer": "shift-adamax"}, r"weight_decay must be \(0, 0\) with shift-adamax"),
        (
            {"loss": "distributional"},
            r"the distributional loss needs teacher_epochs of at least 1, and no other loss has them",
        ),
        ({"loss": "l2"}, r"loss must be one of cross-entropy, squared-hinge, distributional, not 'l2'"),
    ],
)
def test_impossible_recipes(options: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=f"^{message}$"):
        dataclasses.replace(RECIPE, **options)  # pyright: ignore
