from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from bnnhw.errors import RequestError
from bnnhw.training.check import check_export
from bnnhw.training.conv import BinaryConv1d, BinaryConv2d, MaxPool, SignPool
from bnnhw.training.evaluation import evaluate_float64, weight_bits
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.layers import BatchNorm, SignedInput, clip_latent
from bnnhw.training.models import build
from bnnhw.training.recipes import ConvRecipe, InputRecipe, Recipe

from .onnx_float64 import evaluate

SHAPE = (2, 6, 9)

CONVS = {
    "pools": (ConvRecipe(6, (3, 3), pool=(2, 2)), ConvRecipe(5, (1, 2), pool=(2, 2), order="pool-norm-sign")),
    "padding": (
        ConvRecipe(6, (3, 3), padding=(1, 0, 2, 1)),
        ConvRecipe(4, (2, 3), padding=(0, 2, 1, 0), padding_value=1, stride=(2, 1)),
    ),
    "dilation and stride": (ConvRecipe(5, (2, 3), dilation=(3, 2), stride=(1, 2)), ConvRecipe(3, (3, 1))),
    "depthwise": (
        ConvRecipe(4, (2, 2)),
        ConvRecipe(4, (3, 3), depthwise=True, padding=(1, 1, 1, 1)),
        ConvRecipe(6, (1, 1)),
    ),
}


def toy(convs: tuple[ConvRecipe, ...], given: InputRecipe, widths: tuple[int, ...] = (7,)) -> Recipe:
    return Recipe("toy", "", "none", given, widths, 1, 1, 0.1, shape=SHAPE, convs=convs)


def random_model(recipe: Recipe, seed: int = 0) -> nn.Sequential:
    """Random weights and norms, negative and zero gammas among them."""
    generator = torch.Generator().manual_seed(seed)
    model = build(recipe, 108, 5, generator)
    for module in model:
        if isinstance(module, BatchNorm):
            assert module.running_mean is not None and module.running_var is not None
            with torch.no_grad():
                for tensor in (module.weight, module.bias, module.running_mean):
                    tensor.copy_(torch.randn(tensor.shape, generator=generator))
                module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) * 20)
                module.weight[0] = 0 if len(module.weight) > 1 else 1
    return model.eval()


def raw_samples(frames: int = 60) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 2, (frames, *SHAPE)).astype(np.float32)


def conv(latent: list[float], kernel: tuple[int, int] = (1, 3), **options: object) -> BinaryConv2d:
    layer = BinaryConv2d(1, len(latent) // (kernel[0] * kernel[1]), kernel, **options)  # pyright: ignore
    with torch.no_grad():
        layer.latent.copy_(torch.tensor(latent).reshape(layer.latent.shape))
    return layer


def row(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(1, 1, 1, -1)


def test_a_hand_computed_convolution() -> None:
    # Signs + - +: 1 - 2 + 4, 2 - 4 + 8.
    assert conv([0.5, -0.1, 0.0])(row(1, 2, 4, 8)).flatten().tolist() == [3, 6]


def test_stride_and_dilation() -> None:
    layer = conv([0.5, -0.1], (1, 2), stride=(1, 2), dilation=(1, 3))
    # Taps 0 and 3, then 2 and 5.
    assert layer(row(1, 2, 4, 8, 16, 32)).flatten().tolist() == [1 - 8, 4 - 32]


@pytest.mark.parametrize("value", [-1, 1])
def test_padding_holds_minus_or_plus_one(value: int) -> None:
    layer = conv([1.0, 1.0, 1.0], padding=(0, 2, 0, 1), padding_value=value)
    assert layer(row(10, 20)).flatten().tolist() == [10 + 2 * value, 30 + value, 30 + value]


def test_padding_above_and_below() -> None:
    layer = conv([1.0, -1.0], (2, 1), padding=(1, 0, 0, 0))
    x = torch.tensor([[5.0, 7.0], [1.0, 2.0]]).reshape(1, 1, 2, 2)
    # Signs + above, - below: -1 - 5, -1 - 7, then 5 - 1, 7 - 2.
    assert layer(x).flatten().tolist() == [-6, -8, 4, 5]


def test_depthwise_neurons_see_one_channel_each() -> None:
    layer = BinaryConv2d(2, 4, (1, 1), depthwise=True)
    with torch.no_grad():
        layer.latent.copy_(torch.tensor([1.0, -1.0, 1.0, -1.0]).reshape(4, 1, 1, 1))
    assert layer(torch.tensor([3.0, 5.0]).reshape(1, 2, 1, 1)).flatten().tolist() == [3, -3, 5, -5]


def test_conv1d_is_conv2d_of_height_one() -> None:
    def options(layer: type[BinaryConv2d], kernel: object, **rest: object) -> BinaryConv2d:
        return layer(3, 4, kernel, generator=torch.Generator().manual_seed(3), **rest)  # pyright: ignore

    one = options(BinaryConv1d, 3, stride=2, dilation=2, padding=(1, 2), padding_value=1)
    two = options(BinaryConv2d, (1, 3), stride=(1, 2), dilation=(1, 2), padding=(0, 1, 0, 2), padding_value=1)
    assert torch.equal(one.latent, two.latent)
    x = torch.randn(2, 3, 1, 12, generator=torch.Generator().manual_seed(0))
    assert one(x).shape == (2, 4, 1, 6)
    assert torch.equal(one(x), two(x))


def test_gradient_reaches_the_latent_weights_within_one() -> None:
    layer = conv([0.5, -1.0, 1.5])
    layer(row(1, 2, 4, 8)).sum().backward()
    assert layer.latent.grad is not None
    # Each tap sees two inputs: 1 + 2, 2 + 4, and the third is past 1.
    assert layer.latent.grad.flatten().tolist() == [3, 6, 0]


def test_clip_reaches_convolutions() -> None:
    layer = conv([-3.0, 0.5, 2.0])
    clip_latent(nn.Sequential(layer))
    assert layer.latent.flatten().tolist() == [-1, 0.5, 1]


def test_impossible_convolutions() -> None:
    with pytest.raises(ValueError, match=r"^padding_value must be -1, 0 or \+1, not 2$"):
        BinaryConv2d(1, 1, 3, padding_value=2)
    with pytest.raises(ValueError, match=r"^outputs of a depthwise convolution must be a multiple of 3, not 4$"):
        BinaryConv2d(3, 4, 3, depthwise=True)


def test_sign_pool_is_the_sign_then_the_pool() -> None:
    x = row(-3, -0.5, -0.0, -2, -1, -9)
    assert SignPool((1, 2))(x).flatten().tolist() == [-1, 1, -1]
    signs = torch.where(x >= 0, 1.0, -1.0)
    assert torch.equal(SignPool((1, 2))(x), MaxPool((1, 2))(signs))


def test_sign_pool_sends_the_gradient_to_the_greatest_within_one() -> None:
    x = row(0.25, 0.5, -0.75, -0.5, 3.0, 0.1).requires_grad_()
    (SignPool((1, 2))(x) * row(1, 2, 4)).sum().backward()
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [0, 1, 0, 2, 0, 0]


def test_max_pool_with_a_stride_of_its_own() -> None:
    assert MaxPool((1, 3), (1, 2))(row(1, 5, 2, 4, 3, 9)).flatten().tolist() == [5, 4]


def test_norm_of_maps_is_per_channel() -> None:
    norm = BatchNorm(2)
    x = torch.randn(3, 2, 4, 5, generator=torch.Generator().manual_seed(0)) * 3 + 1
    trained = norm(x)
    assert trained.mean((0, 2, 3)).abs().max().item() < 1e-6
    assert trained.var((0, 2, 3), correction=0).sub(1).abs().max().item() < 1e-4
    norm.double().eval()
    by_rows = norm(x.double().permute(0, 2, 3, 1).reshape(-1, 2)).reshape(3, 4, 5, 2).permute(0, 3, 1, 2)
    assert torch.equal(norm(x.double()), by_rows)


def test_signed_input_floors_in_steps_then_clips() -> None:
    layer = SignedInput(3, 0.5)
    x = torch.tensor([-9.0, -2.01, -2.0, -0.1, 0.0, 0.49, 0.5, 1.5, 1.99, 7.0])
    assert layer(x).tolist() == [-2, -2, -2, -0.5, 0, 0, 0.5, 1.5, 1.5, 1.5]


@pytest.mark.parametrize("scale", [0.3, 0.0, -1.0])
def test_signed_input_refuses_steps_that_round(scale: float) -> None:
    with pytest.raises(ValueError, match=rf"^scale must be a power of two, not {re.escape(str(scale))}$"):
        SignedInput(3, scale)


@pytest.mark.parametrize("given", [InputRecipe(bits=3, scale=0.5, signed=True), InputRecipe(threshold=0.5)])
@pytest.mark.parametrize("name", CONVS)
def test_the_graph_in_float64_is_the_model_in_float64(name: str, given: InputRecipe) -> None:
    model = random_model(toy(CONVS[name], given))
    samples = raw_samples()
    exported = to_onnx(model, SHAPE, {})
    onnx.checker.check_model(exported, full_check=True)
    tensors = evaluate(exported, samples)
    hidden, scores = evaluate_float64(model, samples)
    assert np.array_equal(tensors["scores"], scores)
    for i, expected in enumerate(hidden):
        pooled = tensors.get(f"layer{i}_pool_out", tensors[f"layer{i}_sign_out"])
        if i < len(CONVS[name]) and CONVS[name][i].order == "pool-norm-sign":
            pooled = tensors[f"layer{i}_sign_out"]
        assert np.array_equal(pooled, expected)
        assert len(np.unique(expected)) == 2
    # Shapes as declared.
    for value in exported.graph.value_info:
        declared = [d.dim_value for d in value.type.tensor_type.shape.dim]
        assert list(tensors[value.name].shape[1:]) == declared[1:]


@pytest.mark.parametrize("name", CONVS)
def test_the_compiler_reads_the_model_as_it_is(name: str, tmp_path: Path) -> None:
    model = random_model(toy(CONVS[name], InputRecipe(bits=3, scale=0.5, signed=True)))
    path = tmp_path / "m.onnx"
    write_onnx(to_onnx(model, SHAPE, {}), path)
    check_export(model, path, raw_samples())


def test_the_layers_of_a_convolutional_network() -> None:
    model = build(toy(CONVS["pools"], InputRecipe(bits=2, signed=True)), 108, 5, torch.Generator())
    assert [type(module).__name__ for module in model] == [
        "SignedInput",
        *["BinaryConv2d", "BatchNorm", "SignPool"],
        *["BinaryConv2d", "MaxPool", "BatchNorm", "BinaryActivation"],
        "Flatten",
        *["BinaryLinear", "BatchNorm", "BinaryActivation"],
        *["BinaryLinear", "TensorNorm"],
    ]
    # 2 x 6 x 9 -> 6 x 2 x 3 -> 5 x 1 x 1.
    assert weight_bits(model) == 6 * 2 * 9 + 5 * 6 * 2 + 5 * 7 + 7 * 5


def test_impossible_recipes() -> None:
    with pytest.raises(RequestError, match=r"^convolution 1: its windows must fit a map of 6 x 2 x 3$"):
        build(toy((CONVS["pools"][0], ConvRecipe(3, (3, 1))), InputRecipe()), 108, 5, torch.Generator())
    with pytest.raises(RequestError, match=r"^recipe toy: a sample of 2 x 6 x 9 must have 100 elements$"):
        build(toy(CONVS["pools"], InputRecipe()), 100, 5, torch.Generator())
    with pytest.raises(RequestError, match=r"^order must be one of norm-sign-pool, pool-norm-sign, not 'sign'$"):
        ConvRecipe(1, (1, 1), order="sign")


def test_a_convolution_behind_a_flatten_is_refused() -> None:
    message = "module must come before a Flatten, not behind it, where a sample is (9,)"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        to_onnx(nn.Sequential(nn.Flatten(), BinaryConv2d(1, 1, 3)), (1, 3, 3), {})
