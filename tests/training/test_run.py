from __future__ import annotations

import csv
import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bnnhw import datasets
from bnnhw.datasets.dataset import Dataset
from bnnhw.errors import FileError, RequestError, UnsupportedError
from bnnhw.training import run
from bnnhw.training import train as train_module
from bnnhw.training.recipes import Components, ConvRecipe, InputRecipe, Recipe, with_bits
from bnnhw.training.train import TrainResult, train
from tests.training.bumps import bumps_of

RECIPE = Recipe(
    name="toy",
    summary="bumps on the left or on the right",
    dataset="bumps",
    input=InputRecipe(bits=3, scale=0.5, signed=True),
    widths=(8,),
    epochs=6,
    batch=20,
    learning_rate=0.02,
    shape=(2, 1, 12),
    convs=(ConvRecipe(6, (1, 3), pool=(1, 2)),),
)


@pytest.fixture(autouse=True)
def bumps(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    data = bumps_of((2, 1, 12), 120, 80)
    monkeypatch.setattr(datasets, "load", lambda *_: data)
    # A checkpoint after every epoch, however fast.
    monkeypatch.setattr(run, "INTERVAL_S", 0.0)
    return data


def trained(recipe: Recipe, output: Path, **options: object) -> TrainResult:
    return train(recipe, **{"device": "cpu", "output": output, **options})  # pyright: ignore


class Interrupted(Exception):
    """What stops a run in these tests."""


def interrupted_after(epochs: int) -> object:
    def progress(epoch: int, loss: float, accuracy: float) -> None:
        if epoch == epochs:
            raise Interrupted

    return progress


def rows_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))


RUNS = {
    "plain": RECIPE,
    "shifted, held out, patient": dataclasses.replace(RECIPE, shift=(0, 1), validation=0.25, patience=4),
    "stochastic, step": dataclasses.replace(RECIPE, components=Components(activation="stochastic"), schedule="step"),
    "bop": dataclasses.replace(RECIPE, optimizer="bop"),
    "adamax": dataclasses.replace(RECIPE, optimizer="shift-adamax", learning_rate=2.0**-6),
}


@pytest.mark.parametrize("name", RUNS)
def test_an_interrupted_run_ends_in_the_same_model(name: str, tmp_path: Path) -> None:
    trained(RUNS[name], tmp_path / "straight.onnx", run_dir=tmp_path / "straight")
    with pytest.raises(Interrupted):
        trained(RUNS[name], tmp_path / "resumed.onnx", run_dir=tmp_path / "run", progress=interrupted_after(2))
    assert not (tmp_path / "resumed.onnx").exists()
    epochs: list[int] = []
    trained(RUNS[name], tmp_path / "resumed.onnx", run_dir=tmp_path / "run", progress=lambda e, *_: epochs.append(e))
    assert epochs[0] == 3
    assert (tmp_path / "straight.onnx").read_bytes() == (tmp_path / "resumed.onnx").read_bytes()
    columns = [
        [[v for k, v in row.items() if k != "wall_s"] for row in rows_of(tmp_path / p)] for p in ("straight", "run")
    ]
    assert columns[0] == columns[1]


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = trained(RECIPE, tmp_path / "a.onnx", run_dir=tmp_path / "run")
    epochs: list[int] = []
    second = trained(RECIPE, tmp_path / "b.onnx", run_dir=tmp_path / "run", progress=lambda e, *_: epochs.append(e))
    assert epochs == []
    assert first.accuracy == second.accuracy
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_metrics_and_result(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, validation=0.25)
    result = trained(recipe, tmp_path / "m.onnx", seed=4, run_dir=tmp_path / "run")
    rows = rows_of(tmp_path / "run")
    assert [row["epoch"] for row in rows] == list("123456")
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "validation", "learning_rate", "wall_s"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    rates = [float(row["learning_rate"]) for row in rows]
    assert rates == sorted(rates, reverse=True)
    # 30 frames are held out.
    assert all((float(row["validation"]) * 30).is_integer() for row in rows)
    kept = json.loads((tmp_path / "run" / "result.json").read_text())
    assert kept["accuracy"] == result.accuracy
    assert (kept["recipe"], kept["seed"], kept["epochs"], kept["best_epoch"]) == ("toy", 4, 6, 6)
    # 2 x 6 x 3 of the convolution, then 6 x 5 -> 8 -> 2.
    assert kept["weight_bits"] == result.weight_bits == 36 + 240 + 16
    assert kept["model"] == str(tmp_path / "m.onnx")
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        ".bnnhw.json",
        "checkpoint.pt",
        "metrics.csv",
        "result.json",
    ]


def test_patience_ends_a_run_and_the_best_model_counts(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=60, validation=0.25, patience=3)
    result = trained(recipe, tmp_path / "m.onnx", run_dir=tmp_path / "run")
    rows = rows_of(tmp_path / "run")
    accuracies = [float(row["validation"]) for row in rows]
    assert result.epochs == len(rows) < 60
    assert result.best_epoch == len(rows) - 3 == 1 + int(np.argmax(accuracies))
    kept = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["trainer"]
    best, last = kept["best"]["1.latent"], kept["model"]["1.latent"]
    assert not torch.equal(best, last)


@pytest.mark.parametrize(
    "components",
    [
        Components(estimator="reste"),
        Components(activation="stochastic"),
        Components(activation="rsign", norm="shift"),
        Components(activation="rprelu-rsign"),
        Components(scaled=True),
        Components(fan_in=5),
        Components(thermometer=3),
    ],
    ids=str,
)
def test_what_is_made_of_any_components_learns_and_is_read_as_it_is(components: Components, tmp_path: Path) -> None:
    # Writing the model includes the check that the compiler reads the very same.
    result = trained(dataclasses.replace(RECIPE, components=components, epochs=12), tmp_path / "m.onnx")
    assert result.accuracy > 0.7


SHORTCUT = ConvRecipe(6, (1, 3), padding=(0, 1, 0, 1), shortcut=True)


@pytest.mark.parametrize(
    "recipe",
    [
        dataclasses.replace(RECIPE, convs=(ConvRecipe(6, (1, 3)), SHORTCUT, SHORTCUT)),
        with_bits(RECIPE, (3, 2)),
        dataclasses.replace(RECIPE, mirror=True, convs=(ConvRecipe(6, (1, 3), padding=(0, 1, 0, 1), padding_value=0),)),
    ],
    ids=["shortcuts", "bits", "mirror and padding of 0"],
)
def test_other_networks_are_trained_and_read_as_they_are(recipe: Recipe, tmp_path: Path) -> None:
    result = trained(dataclasses.replace(recipe, epochs=12), tmp_path / "m.onnx")
    # Mirrored, left and right can't be told apart.
    assert (result.accuracy > 0.7) != recipe.mirror


def test_what_the_compiler_cannot_read_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise UnsupportedError(f"{path}: no")

    monkeypatch.setattr(train_module, "check_readable", refuse)
    with pytest.raises(UnsupportedError, match=r"^recipe toy: no$"):
        trained(RECIPE, tmp_path / "m.onnx", run_dir=tmp_path / "run", progress=interrupted_after(1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("optimizer", ["bop", "shift-adamax"])
def test_other_optimizers_learn(optimizer: str, tmp_path: Path) -> None:
    rate = 2.0**-5 if optimizer == "shift-adamax" else 0.02
    recipe = dataclasses.replace(RECIPE, optimizer=optimizer, learning_rate=rate, epochs=20)
    assert trained(recipe, tmp_path / "m.onnx").accuracy > 0.7


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    trained(RECIPE, tmp_path / "a.onnx", epochs=1, run_dir=folder)
    before = (folder / "checkpoint.pt").read_bytes()
    message = (
        f"{folder / 'checkpoint.pt'}: its seed must be '1', not '0'; give another folder, or remove it to start anew"
    )
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        trained(RECIPE, tmp_path / "b.onnx", epochs=1, seed=1, run_dir=folder)
    assert (folder / "checkpoint.pt").read_bytes() == before


@pytest.mark.parametrize("damage", ["cut", "foreign", "empty"])
def test_a_damaged_checkpoint_is_one_clear_error(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    trained(RECIPE, tmp_path / "a.onnx", epochs=1, run_dir=folder)
    file = folder / "checkpoint.pt"
    data = file.read_bytes()
    file.write_bytes({"cut": data[: len(data) // 2], "foreign": b"something else", "empty": b""}[damage])
    message = f"{file}: must be a checkpoint of bnnhw train; remove it to start anew"
    with pytest.raises(FileError, match=f"^{re.escape(message)}$"):
        trained(RECIPE, tmp_path / "b.onnx", epochs=1, run_dir=folder)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "run"
    with pytest.raises(RequestError, match=rf"^{folder.parent}: must be a folder, and is a file$"):
        trained(RECIPE, tmp_path / "a.onnx", run_dir=folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "sgd"}, "optimizer must be one of adam, shift-adamax, bop, not 'sgd'"),
        ({"schedule": "flat"}, "schedule must be one of cosine, step, not 'flat'"),
        ({"validation": 1.0}, "validation must be in 0..1, 1 excluded, not 1.0"),
        ({"patience": 3}, "patience must be at least 1, and needs a validation share"),
        ({"shape": None}, "convs, shift, mirror and a thermometer need a shape"),
    ],
)
def test_impossible_recipes(options: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(RECIPE, **options)  # pyright: ignore


def test_impossible_components() -> None:
    with pytest.raises(RequestError, match=r"^norm must be one of batch, shift, not 'none'$"):
        Components(norm="none")
