"""Learned truth tables at every position of a map: by hand, as the compiler reads them, and in a recipe."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bnnhw.errors import FileError, RequestError
from bnnhw.frontend import read_model
from bnnhw.ir import LookupConv
from bnnhw.training.check import check_export
from bnnhw.training.conv import MaxPool
from bnnhw.training.evaluation import hidden_activations, weight_bits
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.fitted import FittedInput
from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layer_recipes import ConvRecipe, LookupRecipe
from bnnhw.training.layers import InputQuantizer, SignedInput, ThresholdInput
from bnnhw.training.lookup import ClassSums, Unary
from bnnhw.training.lookup_conv import LookupConv2d
from bnnhw.training.lookup_net import lookup_net
from bnnhw.training.recipe import Recipe
from bnnhw.training.recipe_file import RecipeFile, recipe_text

SHAPE = (2, 5, 6)
SAMPLES = np.random.default_rng(0).normal(0, 3, (40, *SHAPE)).astype(np.float32)


def layer_of(
    tables: list[list[float]], sources: list[list[int]], inputs: int, kernel: int, **options: int
) -> LookupConv2d:
    """Along a signal."""
    layer = LookupConv2d(inputs, len(tables), len(sources[0]), (1, kernel), **options)  # pyright: ignore[reportArgumentType]
    wiring = torch.zeros(len(sources) * len(sources[0]), inputs * kernel)
    wiring[torch.arange(len(wiring)), torch.tensor(sources).flatten()] = 1
    with torch.no_grad():
        layer.tables.copy_(torch.tensor(tables))
        layer.wiring.copy_(wiring)
    return layer


def signal(*channels: list[float]) -> Tensor:
    return torch.tensor(channels)[None, :, None, :]


def test_the_same_tables_at_every_position_by_hand() -> None:
    """A neuron of channel 1 of tap 0 and channel 0 of tap 1: elements 1 and 2; 1 where the first alone is."""
    layer = layer_of([[-0.5, 0.25, -1.0, -0.75]], [[1, 2]], 2, 2)
    x = signal([1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, 1.0])
    # Pairs (channel 1, next of channel 0): (+, -), (+, +), (-, -).
    y = layer(x)
    assert y.shape == (1, 1, 1, 3) and y.flatten().tolist() == [1, -1, -1]
    # Each position's gradient reaches the entry that it read.
    (y.flatten() * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert layer.tables.grad is not None
    assert layer.tables.grad.tolist() == [[100, 1, 0, 10]]


def test_wiring_learns_from_all_positions_by_hand() -> None:
    """Slopes of half the entries' difference; a wire gets those of every position times what it carries there."""
    layer = layer_of([[-0.5, 1.0]], [[0]], 1, 2)
    x = signal([1.0, -1.0, -1.0]).requires_grad_()
    (layer(x).flatten() * torch.tensor([1.0, 10.0])).sum().backward()
    slope = 0.75
    assert layer.wiring.grad is not None and x.grad is not None
    assert layer.wiring.grad.tolist() == [[slope * (1 - 10), slope * (-1 - 10)]]
    assert torch.allclose(x.grad.flatten(), torch.tensor([slope, 10 * slope, 0]))


def test_windows_are_padded_strided_and_dilated_by_hand() -> None:
    """Taps 3 apart, every second position, two elements of +1 before and one behind."""
    options = {"stride": (1, 2), "dilation": (1, 3), "padding": (0, 2, 0, 1), "padding_value": 1}
    layer = layer_of([[-1.0, 1.0], [-1.0, 1.0]], [[0], [1]], 1, 2, **options)  # pyright: ignore[reportArgumentType]
    a, b, c, d, e = 1.0, -1.0, -1.0, 1.0, -1.0
    # Padded: + + a b c d e +.
    y = layer(signal([a, b, c, d, e]))
    assert y[0, :, 0].tolist() == [[1, a, c], [b, d, 1]]


def test_a_pool_teaches_the_greatest_entry_by_hand() -> None:
    layer = layer_of([[0.25, 0.75]], [[0]], 1, 1, pool=(1, 2))  # pyright: ignore[reportArgumentType]
    y = layer(signal([-1.0, 1.0, -1.0, -1.0, 1.0]))
    # All entries are above 0; an element that is left over is dropped.
    assert y.flatten().tolist() == [1, 1]
    (y.flatten() * torch.tensor([1.0, 10.0])).sum().backward()
    assert layer.tables.grad is not None and layer.tables.grad.tolist() == [[10, 1]]


def test_only_readable_channels_are_read() -> None:
    layer = LookupConv2d(3, 40, 2, (2, 2), generator=torch.Generator().manual_seed(0), readable=torch.tensor([0, 2]))
    assert set(layer.sources.flatten().tolist()) == {0, 2, 3, 5, 6, 8, 9, 11}


def test_unary_code_of_a_map() -> None:
    x = torch.tensor([[[[-4.0, 2.0]], [[0.0, -2.0]]]])
    code = Unary(-4, 2, 4)(x)
    assert code[0, :, 0].T.tolist() == [[-1, -1, -1, 1, 1, -1], [1, 1, 1, 1, -1, -1]]


CONVS = {
    "pool": (ConvRecipe(9, (3, 3), padding=(1, 1, 1, 1), pool=(2, 2)), ConvRecipe(6, (2, 1))),
    "stride": (ConvRecipe(6, (2, 3), stride=(1, 2), dilation=(2, 1), padding=(1, 0, 0, 2), padding_value=1),),
}


@pytest.mark.parametrize("neurons", [(), (12,)], ids=["sums", "list"])
@pytest.mark.parametrize("convs", CONVS)
@pytest.mark.parametrize(
    "quantizer",
    [
        ThresholdInput(0.5),
        SignedInput(3, 0.5),
        FittedInput(torch.from_numpy(SAMPLES), InputRecipe(bits=2, levels="ranked", per="channel")),
    ],
    ids=["bit", "signed", "fitted"],
)
def test_the_compiler_reads_the_model_as_it_is(
    quantizer: InputQuantizer, convs: str, neurons: tuple[int, ...], tmp_path: Path
) -> None:
    """Scores, classes and the bits of every layer of tables, in float64 and in integers."""
    recipe, given = LookupRecipe(neurons, fan_in=3, temperature=3.0), torch.from_numpy(SAMPLES)
    model = lookup_net(quantizer, SHAPE, recipe, 3, torch.Generator().manual_seed(0), given, CONVS[convs]).eval()
    path = tmp_path / "m.onnx"
    write_onnx(to_onnx(model, SHAPE, {}), path)
    check_export(model, path, SAMPLES)
    chain = read_model(path).network.chain
    found = [layer for layer in chain if isinstance(layer, LookupConv)]
    assert len(found) == len(CONVS[convs]) + (quantizer.dtype.bits > 1)
    hidden, _ = hidden_activations(model, given)
    assert len(hidden) == len(found) + len(neurons)
    assert weight_bits(model) == (sum(conv.channels for conv in CONVS[convs]) + sum(neurons)) * 8


def test_pools_behind_it(tmp_path: Path) -> None:
    """A pool of its own, then another one that is none of it; and a pool that becomes part of it."""
    generator = torch.Generator().manual_seed(0)
    own = LookupConv2d(2, 6, 3, (2, 1), pool=(1, 2), generator=generator)
    plain = LookupConv2d(6, 6, 3, 1, generator=generator)
    layers = (ThresholdInput(0.0), own, MaxPool((2, 1)), plain, MaxPool((1, 3)), nn.Flatten(), ClassSums(12, 3, 1.0))
    model = nn.Sequential(*layers).eval()
    write_onnx(to_onnx(model, SHAPE, {}), tmp_path / "m.onnx")
    check_export(model, tmp_path / "m.onnx", SAMPLES)
    hidden, _ = hidden_activations(model, torch.from_numpy(SAMPLES))
    assert [layer.shape[1:] for layer in hidden] == [(6, 4, 3), (6, 2, 1)]


SIGNAL = Recipe(
    "signal",
    "",
    "ecg5000",
    InputRecipe(bits=2, levels="even"),
    (),
    10,
    20,
    0.05,
    shape=(1, 1, 24),
    convs=(ConvRecipe(12, (1, 5), pool=(1, 2)),),
    lookup=LookupRecipe((40,), temperature=4.0),
)


@pytest.mark.parametrize(
    ("message", "make"),
    [
        ("padding_value must be -1 or +1, not 0", lambda: LookupConv2d(2, 3, 4, 3, padding_value=0)),
        ("inputs of a table must be in 1..8, not 9", lambda: LookupConv2d(2, 3, 9, 3)),
        (
            "a recipe with lookup layers must have neurons of them, or convs",
            lambda: replace(SIGNAL, convs=(), lookup=LookupRecipe(())),
        ),
        (
            "learned of lookup layers must be 'tables' with convs, not 'gates'",
            lambda: replace(SIGNAL, lookup=LookupRecipe((10,), fan_in=2, learned="gates")),
        ),
        *(
            (
                "convolution 1: of lookup layers it must give one bit, be padded with -1 or 1, and be neither "
                "depthwise nor around a shortcut",
                lambda conv=conv: replace(SIGNAL, convs=(ConvRecipe(4, (1, 3)), conv)),
            )
            for conv in (
                ConvRecipe(4, (1, 3), bits=2),
                ConvRecipe(4, (1, 3), padding_value=0),
                ConvRecipe(4, (1, 3), depthwise=True),
                ConvRecipe(4, (1, 3), shortcut=True),
            )
        ),
        (
            "convolution 1: its windows must fit a map of 12 x 1 x 10",
            lambda: lookup_net(
                ThresholdInput(0.0),
                (1, 1, 24),
                LookupRecipe((40,)),
                2,
                torch.Generator(),
                convs=(*SIGNAL.convs, ConvRecipe(4, (1, 11))),
            ),
        ),
        (
            "neurons of the last lookup layer must be a multiple of 3 classes, not 40",
            lambda: lookup_net(
                ThresholdInput(0.0), (1, 1, 24), LookupRecipe((40,)), 3, torch.Generator(), convs=SIGNAL.convs
            ),
        ),
    ],
)
def test_refusals(message: str, make: Callable[[], object]) -> None:
    with pytest.raises((RequestError, ValueError), match=f"^{re.escape(message)}$"):
        make()


def test_a_recipe_as_text(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(recipe_text(SIGNAL))
    assert RecipeFile.read(path).recipe == SIGNAL
    path.write_text(path.read_text().replace("channels = 12", "channels = 12\nbits = 2"))
    with pytest.raises(FileError, match=r"^.*: convolution 0: of lookup layers it must give one bit"):
        RecipeFile.read(path)
