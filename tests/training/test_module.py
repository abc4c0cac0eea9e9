"""Modules of one's own: any ``forward`` that calls our layers and adds branches is trained, exported and read back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from bnnhw import datasets, training
from bnnhw.errors import CheckError, RequestError, UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.ir import Residual, walk
from bnnhw.reference import evaluate
from bnnhw.streamline import streamline
from bnnhw.training import (
    BatchNorm,
    BinaryActivation,
    BinaryConv2d,
    BinaryLinear,
    DyadicNorm,
    MaxPool,
    QuantActivation,
    Settings,
    SignPool,
    TensorNorm,
    ThresholdInput,
    UnsignedInput,
    evaluate_float64,
    export_model,
    hidden_activations,
    train_model,
    weight_bits,
)
from bnnhw.training.export import MODULES, to_onnx


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def conv(inputs: int, outputs: int, size: int = 3, fill: int = -1) -> BinaryConv2d:
    padding = (size // 2,) * 4
    return BinaryConv2d(inputs, outputs, size, padding=padding, padding_value=fill, generator=seeded())


class Net(nn.Module):
    """Digits: a list of pixels, a map, a shortcut around a convolution, pooled bits, scores."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels = UnsignedInput(4)
        self.first, self.first_norm = conv(1, 12, fill=0), DyadicNorm(12)
        self.sign, self.conv, self.norm = BinaryActivation(), conv(12, 12), DyadicNorm(12)
        self.pool = SignPool(2)
        self.scores = nn.ModuleList([BinaryLinear(12 * 16, 10, seeded()), TensorNorm(10)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.first_norm(self.first(self.pixels(x.view(-1, 1, 8, 8))))
        x = x + self.norm(self.conv(self.sign(x)))
        x = self.pool(x).flatten(1)
        for layer in self.scores:
            x = layer(x)
        return x


def test_a_network_with_a_shortcut_from_training_to_integers(tmp_path: Path) -> None:
    data = datasets.load("digits", None)
    x_train, x_test = (np.float32(x.reshape(len(x), -1)) for x in (data.x_train[:600], data.x_test[:200]))
    net, path = Net(), tmp_path / "net.onnx"
    reports: list[int] = []
    history = train_model(
        net,
        x_train,
        data.y_train[:600],
        Settings(epochs=4, batch=50, learning_rate=0.02),
        device="cpu",
        progress=lambda epoch, *_: reports.append(epoch),
    )
    assert [epoch.epoch for epoch in history] == reports == [1, 2, 3, 4]
    assert history[-1].loss < history[0].loss and not net.training
    export_model(net, path, x_test, {"of": "mine"})
    onnx.checker.check_model(onnx.load(path), full_check=True)
    imported = read_model(path)
    assert imported.network.provenance["of"] == "mine"
    network = streamline(imported.network).network
    assert sum(isinstance(layer, Residual) for layer in walk(network.chain)) == 1
    assert sum(matrix.neurons * matrix.synapses for matrix in network.matrices) == weight_bits(net)
    hidden, scores = evaluate_float64(net, x_test)
    classes = evaluate(network, network.input.encode(x_test)).classes
    assert np.array_equal(classes, scores.argmax(axis=1))
    # Chance is 0.1.
    assert (classes == data.y_test[:200]).mean() > 0.5
    assert [layer.shape[1:] for layer in hidden] == [(12, 8, 8), (12, 4, 4)]


class Branches(nn.Module):
    """Both branches have activations, and the second one of the addition is computed first."""

    def __init__(self, combine: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.combine = combine
        self.start = nn.Sequential(UnsignedInput(3), conv(2, 8, fill=0), BatchNorm(8), QuantActivation(2))
        self.left = nn.Sequential(conv(8, 6, fill=0), BatchNorm(6), BinaryActivation(), conv(6, 4), DyadicNorm(4))
        self.right = nn.Sequential(conv(8, 5, 1), BatchNorm(5), BinaryActivation(), conv(5, 4, 1), DyadicNorm(4))
        self.end = nn.Sequential(BinaryActivation(), MaxPool(2), nn.Identity(), nn.Dropout())
        self.scores = nn.Sequential(nn.Flatten(), BinaryLinear(4 * 2 * 3, 3, seeded()), TensorNorm(3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.start(x)
        right = self.right(x)
        return self.scores(self.end(self.combine(self.left(x), right)))


class Views(nn.Module):
    """Lists and maps in all the words that PyTorch has for them."""

    def __init__(self) -> None:
        super().__init__()
        self.bits = ThresholdInput(3.5)
        self.conv, self.norm, self.sign = conv(2, 4), BatchNorm(4), BinaryActivation()
        self.linear, self.scores = BinaryLinear(96, 3, seeded()), TensorNorm(3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.reshape(self.bits(x), (x.shape[0], 2, -1)).view(x.size(0), x.size(1), 4, 6)
        x = torch.flatten(self.sign(self.norm(self.conv(x))).contiguous(), 1, 2)
        x = x.reshape([x.shape[0], x.shape[1] * x.shape[2]])
        return self.scores(self.linear(x))


class Twice(nn.Module):
    """One block, called twice: two layers of the same weights."""

    def __init__(self) -> None:
        super().__init__()
        self.bits = ThresholdInput(3.5)
        self.linear, self.norm, self.sign = BinaryLinear(48, 48, seeded()), BatchNorm(48), BinaryActivation()
        self.last, self.scores = BinaryLinear(48, 3, seeded()), TensorNorm(3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bits(x.flatten(1))
        for _ in range(2):
            x = self.sign(self.norm(self.linear(x)))
        return self.scores(self.last(x))


class SignsRead(nn.Module):
    """Signs that two branches read, one of them a pool; a pool behind a pool."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Sequential(UnsignedInput(3), conv(2, 8, fill=0), BatchNorm(8), BinaryActivation())
        self.left = nn.Sequential(MaxPool(2), conv(8, 4), DyadicNorm(4))
        self.right = nn.Sequential(BinaryConv2d(8, 4, 2, stride=2, generator=seeded()), DyadicNorm(4))
        self.end = nn.Sequential(SignPool(1), MaxPool((1, 3)), nn.Flatten())
        self.scores = nn.Sequential(BinaryLinear(8, 3, seeded()), TensorNorm(3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.start(x)
        return self.scores(self.end(self.left(x).add(self.right(x))))


MODELS: dict[str, Callable[[], nn.Module]] = {
    "sum of branches": lambda: Branches(lambda left, right: left + right),
    "difference of branches": lambda: Branches(torch.sub),
    "views": Views,
    "a block twice": Twice,
    "signs read twice": SignsRead,
}


def randomize(model: nn.Module) -> nn.Module:
    generator = seeded(1)
    for module in model.modules():
        if isinstance(module, BatchNorm):
            assert module.running_mean is not None and module.running_var is not None
            with torch.no_grad():
                for tensor in (module.weight, module.bias, module.running_mean):
                    tensor.copy_(torch.randn(tensor.shape, generator=generator))
                module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) * 20 + 1)
    return model.eval()


def samples(frames: int = 60) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 8, (frames, 2, 4, 6)).astype(np.float32)


@pytest.mark.parametrize("name", MODELS)
def test_any_forward_is_exported_exactly(name: str, tmp_path: Path) -> None:
    model, x = randomize(MODELS[name]()), samples()
    export_model(model, tmp_path / "m.onnx", x)
    hidden, scores = evaluate_float64(model, x)
    assert np.array_equal(scores, model.double()(torch.from_numpy(x).double()).detach().numpy())
    assert len(hidden) == {"views": 1, "a block twice": 2, "signs read twice": 2}.get(name, 4)


def test_activations_come_in_the_order_of_the_layers() -> None:
    model = randomize(MODELS["sum of branches"]())
    hidden, _ = hidden_activations(model, torch.from_numpy(samples(5)))
    assert [tuple(layer.shape[1:]) for layer in hidden] == [(8, 4, 6), (6, 4, 6), (5, 4, 6), (4, 2, 3)]
    # Steps of a half: whole numbers.
    assert set(hidden[0].unique().tolist()) <= {0.0, 1.0, 2.0, 3.0}


def test_what_the_compiler_cannot_read_is_found_before_the_training() -> None:
    model = nn.Sequential(UnsignedInput(2), BinaryLinear(4, 3), BatchNorm(3), BinaryLinear(3, 2), TensorNorm(2))
    message = r"^model Sequential: node \d of \d: MatMul 'layer1_matmul': its first input must be quantized, "
    with pytest.raises(UnsupportedError, match=message):
        train_model(model, np.zeros((6, 4)), np.zeros(6))


def test_impossible_requests() -> None:
    model = nn.Sequential(UnsignedInput(2), BinaryLinear(4, 2), TensorNorm(2))
    message = "y must be one class for each of 6 samples, not of shape (6, 1)"
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        train_model(model, np.zeros((6, 4)), np.zeros((6, 1)))
    with pytest.raises(RequestError, match=r"^epochs must be from 1 to 1048576, not 0$"):
        Settings(epochs=0)


def test_an_export_that_is_not_the_model_is_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bnnhw.training import api

    model, other = randomize(Views()), Views()
    exported = to_onnx(other, (2, 4, 6), {})
    monkeypatch.setattr(api, "to_onnx", lambda *_: exported)
    with pytest.raises(CheckError, match=r"^scores of the imported model must equal those of the trained model"):
        export_model(model, tmp_path / "m.onnx", samples())
    assert list(tmp_path.iterdir()) == []


def test_every_layer_that_is_offered_has_an_export() -> None:
    offered = [getattr(training, name) for name in training.__all__]
    layers = [value for value in offered if isinstance(value, type) and issubclass(value, nn.Module)]
    assert len(layers) > 15
    # A shortcut is what its forward calls.
    assert [layer.__name__ for layer in layers if not set(layer.__mro__) & set(MODULES)] == ["Shortcut"]


def test_the_public_names() -> None:
    assert {"train_model", "Settings"} <= set(dir(training))
    with pytest.raises(AttributeError, match=r"^module 'bnnhw.training' has no attribute 'nothing'$"):
        training.nothing  # noqa: B018


def test_the_example_of_the_readme(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.findall(r"```python\n(.*?)```", (root / "training" / "README.md").read_text(), re.DOTALL)[0]
    monkeypatch.chdir(tmp_path)
    with torch.random.fork_rng():
        exec(code.replace("epochs=10", "epochs=3"), {"__name__": "example"})
    data = datasets.load("digits", None)
    network = streamline(read_model(Path("net.onnx")).network).network
    classes = evaluate(network, network.input.encode(data.x_test.reshape(-1, 1, 8, 8))).classes
    assert (classes == data.y_test).mean() > 0.8
