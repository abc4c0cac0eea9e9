from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from bnnhw import datasets
from bnnhw.errors import CheckError, FileError, RequestError
from bnnhw.files import seal, write_text
from bnnhw.frontend import read_model
from bnnhw.ir import archive
from bnnhw.reference import evaluate
from bnnhw.streamline import streamline
from bnnhw.training import check
from bnnhw.training.layers import BinaryLinear
from bnnhw.training.recipes import InputRecipe, find_recipe
from bnnhw.training.train import TrainResult, train


@pytest.fixture
def few_frames(monkeypatch: pytest.MonkeyPatch) -> datasets.Dataset:
    """Has training see only the first 300 and 100 digits."""
    data = datasets.load("digits", None)
    cut = dataclasses.replace(
        data, x_train=data.x_train[:300], y_train=data.y_train[:300], x_test=data.x_test[:100], y_test=data.y_test[:100]
    )
    monkeypatch.setattr(datasets, "load", lambda *_: cut)
    return cut


def short(output: Path, **options: object) -> TrainResult:
    return train("digits", **{"epochs": 2, "device": "cpu", "output": output, **options})  # pyright: ignore


def test_two_runs_give_the_same_bytes_and_another_seed_others(few_frames: datasets.Dataset, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    # Nothing but the seed decides: not the state of the global generator, not the number of threads.
    torch.manual_seed(1)
    short(tmp_path / "a.onnx")
    torch.manual_seed(2)
    torch.set_num_threads(threads + 1)
    try:
        short(tmp_path / "b.onnx")
        assert torch.get_num_threads() == threads + 1
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.set_num_threads(threads)
    short(tmp_path / "c.onnx", seed=1)
    a, b, c = ((tmp_path / f"{name}.onnx").read_bytes() for name in "abc")
    assert a == b
    assert a != c


@pytest.mark.parametrize("given", [InputRecipe(bits=4), InputRecipe(threshold=6.5)])
def test_the_written_model_has_the_accuracy_stated(
    given: InputRecipe, few_frames: datasets.Dataset, tmp_path: Path
) -> None:
    output = tmp_path / "m.onnx"
    recipe = dataclasses.replace(find_recipe("digits"), input=given, widths=(24, 16))
    reports: list[tuple[int, float, float]] = []
    result = train(
        recipe, epochs=10, seed=5, device="cpu", output=output, progress=lambda *report: reports.append(report)
    )
    assert (result.recipe, result.epochs, result.seed, result.model) == ("digits", 10, 5, output)
    assert result.wall_s > 0
    assert [epoch for epoch, _, _ in reports] == list(range(1, 11))
    network = streamline(read_model(output).network).network
    classes = evaluate(network, network.input.encode(few_frames.x_test.reshape(100, -1))).classes
    assert (classes == few_frames.y_test).mean() == result.accuracy
    # Chance is 0.1.
    assert result.accuracy > 0.3
    properties = {p.key: p.value for p in onnx.load(output).metadata_props}
    del properties["bnnhw"]
    assert properties == {
        "recipe": "digits",
        "dataset": "digits",
        "seed": "5",
        "epochs": "10",
        "accuracy": f"{result.accuracy:.6f}",
    }


def test_an_export_that_is_not_the_model_is_never_written(
    few_frames: datasets.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flipped(self: BinaryLinear) -> torch.Tensor:
        signs = torch.sign(self.latent).detach()
        signs[0] = -signs[0]
        return signs

    from bnnhw.training import export
    from bnnhw.training import train as module

    def wrong(model: torch.nn.Sequential, shape: tuple[int, ...], metadata: dict[str, str]) -> onnx.ModelProto:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BinaryLinear, "signs", property(flipped))
            return export.to_onnx(model, shape, metadata)

    monkeypatch.setattr(module, "to_onnx", wrong)
    output = tmp_path / "m.onnx"
    write_text(output, f"the old one {seal('model')}")
    old = output.read_bytes()
    message = r"^scores of the imported model must equal those of the trained model, and differ in \d+ of 100 frames$"
    with pytest.raises(CheckError, match=message):
        short(output)
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]
    assert output.read_bytes() == old


@pytest.mark.parametrize("what", ["classes of the streamlined network", "activations of layer"])
def test_a_streamlined_network_that_differs_is_noticed(
    what: str, few_frames: datasets.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = streamline

    def wrong(network: object) -> object:
        good = result(network)  # pyright: ignore
        first, *rest = good.network.layers
        if what.startswith("classes"):
            rest[-1] = dataclasses.replace(rest[-1], offset=rest[-1].offset + 10**6 * np.arange(10))
        else:
            values = first.activation.values.copy()
            # One step on one neuron: often without effect on any class.
            values[0] += 1
            first = dataclasses.replace(first, activation=dataclasses.replace(first.activation, values=values))
        return dataclasses.replace(good, network=dataclasses.replace(good.network, layers=(first, *rest)))

    monkeypatch.setattr(check, "streamline", wrong)
    with pytest.raises(CheckError, match=r"must equal those of the trained model, and differ in \d+ of 100 frames$"):
        short(tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"epochs": 0}, RequestError, "epochs must be at least 1, not 0"),
        ({"seed": -1}, RequestError, "seed must be in 0..9223372036854775807, not -1"),
        ({"device": "tpu"}, RequestError, "device must be auto, cpu or cuda, not 'tpu'"),
    ],
)
def test_impossible_options(options: dict[str, object], error: type[Exception], message: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        short(tmp_path / "m.onnx", **options)
    assert list(tmp_path.iterdir()) == []


def test_cuda_where_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RequestError, match=r"^device must be auto or cpu: PyTorch finds no CUDA device$"):
        short(tmp_path / "m.onnx", device="cuda")


def test_an_output_that_cannot_be_written_is_refused_before_training(tmp_path: Path) -> None:
    output = tmp_path / "no" / "m.onnx"
    with pytest.raises(FileError, match=rf"^{output}: can't be written: {output.parent} is not a folder$"):
        short(output)
    with pytest.raises(RequestError, match=rf"^{tmp_path}: must be a file, and is a folder$"):
        short(tmp_path)


KEPT = {
    "digits": ("digits", 0.96),
    "earbud": ("earbud", 0.93),
    "ecg5000": ("ecg5000", 0.93),
    "fsdd-mfcc": ("fsdd", 0.9),
    "mnist-tfc": ("mnist", 0.94),
    "mnist-sfc": ("mnist", 0.98),
    "mnist-lfc": ("mnist", 0.986),
    "fashion-sfc": ("fashion-mnist", 0.86),
}
"""Models of the repository, their data sets, and the least accuracy they are kept with."""


@pytest.mark.parametrize("name", KEPT)
def test_the_kept_models_are_what_their_metadata_say(name: str, root: Path) -> None:
    beside = root.parent / "shared" / "datasets"
    data_dir = beside if beside.is_dir() else None
    dataset, least = KEPT[name]
    if not datasets.available(dataset, data_dir).available:
        pytest.skip(f"no {dataset} beside the repository")
    path = root / "models" / f"{name}.onnx"
    if path.is_file():
        properties = {p.key: p.value for p in onnx.load(path).metadata_props}
        network = streamline(read_model(path).network).network
    else:
        network = archive.load(path.with_suffix(".bnn"))
        properties = network.provenance
    data = datasets.load(dataset, data_dir)
    classes = evaluate(network, network.input.encode(data.x_test.reshape(len(data.x_test), -1))).classes
    accuracy = float((classes == data.y_test).mean())
    assert f"{accuracy:.6f}" == properties["accuracy"]
    assert (properties["recipe"], properties["seed"]) == (name, "0")
    assert accuracy >= least
