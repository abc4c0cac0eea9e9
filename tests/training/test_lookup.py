from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bnnhw.errors import CheckError, FileError, RequestError
from bnnhw.frontend import read_model
from bnnhw.ir import Lookup
from bnnhw.training.check import check_export
from bnnhw.training.evaluation import hidden_activations, weight_bits
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.fitted import FittedInput
from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layer_recipes import Components, LookupRecipe
from bnnhw.training.layers import InputQuantizer, SignedInput, ThresholdInput, UnsignedInput
from bnnhw.training.lookup import ClassSums, LookupLayer, Unary, finite_differences, varying
from bnnhw.training.lookup_net import lookup_net
from bnnhw.training.recipe_file import RecipeFile, recipe_text
from bnnhw.training.recipes import find_recipe
from bnnhw.training.train import train


def layer_of(tables: list[list[float]], sources: list[list[int]], inputs: int) -> LookupLayer:
    layer = LookupLayer(inputs, len(tables), len(sources[0]))
    wiring = torch.zeros(len(sources) * len(sources[0]), inputs)
    for row, source in enumerate(np.ravel(sources).tolist()):
        wiring[row, source] = 1
    with torch.no_grad():
        layer.tables.copy_(torch.tensor(tables))
        layer.wiring.copy_(wiring)
    return layer


def test_finite_differences_by_hand() -> None:
    """Of one input half the difference; of two, each entry counts a third of what it would if the other bit agreed."""
    assert finite_differences(1).tolist() == [[[-0.5], [-0.5]], [[0.5], [0.5]]]
    two = finite_differences(2)
    alpha = 0.5 * 0.75
    # Entry 0b01 at address 0b00: by input 0 its bit is 1 and the other bit agrees; by input 1 it is 0 and one differs.
    assert two[1, 0].tolist() == pytest.approx([alpha, -alpha / 3])
    assert two[3, 0].tolist() == pytest.approx([alpha / 3, alpha / 3])
    assert two[3, 3].tolist() == pytest.approx([alpha, alpha])
    # A table that is one of its inputs has no slope by the other, and the same one everywhere by that one.
    first = torch.tensor([-1.0, 1.0, -1.0, 1.0])
    slopes = torch.einsum("k,kaj->aj", first, two)
    assert torch.allclose(slopes, torch.tensor([[alpha * 8 / 3, 0]] * 4), atol=1e-6)


def test_looks_up_and_learns_by_hand() -> None:
    """A neuron of inputs 2 and 0: entry 1 where input 2 alone is 1. Entries get the gradient of what they gave."""
    layer = layer_of([[-0.5, 0.25, 0.0, -1.0]], [[2, 0]], 3)
    x = torch.tensor([[-1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]])
    y = layer(x)
    # sign(0) is +1.
    assert y[:, 0].tolist() == [1, 1, -1, 1]
    assert layer.entries.tolist() == [[-1, 1, 1, -1]] and layer.sources.tolist() == [[2, 0]]
    (y[:, 0] * torch.tensor([1.0, 10.0, 100.0, 1000.0])).sum().backward()
    assert layer.tables.grad is not None
    assert layer.tables.grad.tolist() == [[0, 1001, 10, 100]]


def test_wiring_and_inputs_learn_by_hand() -> None:
    """One input: the slope is half the difference of the entries; every wire gets it times what it carries."""
    layer = layer_of([[-0.5, 1.0]], [[1]], 3)
    x = torch.tensor([[-1.0, 1.0, 1.0], [1.0, -1.0, 1.0]], requires_grad=True)
    y = layer(x)
    (y[:, 0] * torch.tensor([1.0, 10.0])).sum().backward()
    slope = 0.5 * (1.0 + 0.5)
    assert layer.wiring.grad is not None and x.grad is not None
    assert layer.wiring.grad.tolist() == [[slope * (-1 + 10), slope * (1 - 10), slope * (1 + 10)]]
    # The softmax is so cold that the wire in use gets all of it.
    assert torch.allclose(x.grad, torch.tensor([[0, slope, 0], [0, 10 * slope, 0]]))


def test_only_candidates_are_read() -> None:
    layer = LookupLayer(5, 40, 2, torch.Generator().manual_seed(0), torch.tensor([1, 4]))
    assert layer.wiring.shape == (80, 2)
    assert set(layer.sources.flatten().tolist()) == {1, 4}
    x = torch.tensor([[1.0, -1.0, 1.0, 1.0, 1.0]])
    # Input 4 alone is 1: the entry of the bits of it.
    for neuron, (one, two) in enumerate(layer.sources.tolist()):
        assert layer(x)[0, neuron] == layer.entries[neuron, (one == 4) + 2 * (two == 4)]


def test_which_inputs_vary() -> None:
    bits = torch.tensor(
        [[1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0], [1.0, -1.0, -1.0, 1.0], [1.0, -1.0, 1.0, -1.0]]
    )
    assert varying(bits, 0.0).tolist() == [1, 2, 3]
    assert varying(bits, 0.25).tolist() == [1, 2, 3]
    assert varying(bits, 0.3).tolist() == [3]
    assert varying(bits[:, :1], 0.0).tolist() == [0]


def test_entries_stay_in_range() -> None:
    layer = layer_of([[-3.0, 0.5]], [[0]], 1)
    layer.clip_()
    assert layer.tables.tolist() == [[-1, 0.5]]


def test_unary_code() -> None:
    x = torch.tensor([[-4.0, 0.0], [-2.0, 2.0]])
    assert Unary(-4, 2, 4)(x).tolist() == [[-1, -1, -1, 1, 1, -1], [1, -1, -1, 1, 1, 1]]


def test_levels_of_each_feature_in_unary_code_by_hand() -> None:
    """Three thresholds halfway between the samples of each feature; a bit for each that is reached."""
    samples = torch.tensor([[1.0, -40.0], [2.0, -20.0], [4.0, 0.0], [8.0, 100.0]])
    levels = FittedInput(samples, InputRecipe(bits=2, levels="ranked", per="channel"))
    assert levels.thresholds.tolist() == [[1.5, 3, 6], [-30, -10, 50]]
    x = torch.tensor([[1.4, -10.0], [1.5, -100.0], [6.0, 49.9], [5.9, 50.0]])
    assert levels(x).tolist() == [[-2, 0], [-1, -2], [1, 0], [0, 1]]
    model = lookup_net(levels, (2,), LookupRecipe((4,)), 2, torch.Generator().manual_seed(0), samples)
    assert model[:3](x).tolist() == [
        [-1, -1, -1, 1, 1, -1],
        [1, -1, -1, -1, -1, -1],
        [1, 1, 1, 1, 1, -1],
        [1, 1, -1, 1, 1, 1],
    ]


def test_class_sums() -> None:
    x = torch.tensor([[1.0, 1.0, -1.0, 1.0, -1.0, -1.0]])
    assert ClassSums(6, 2, 4.0)(x).tolist() == [[0.25, -0.25]]
    assert ClassSums(6, 3, 1.0)(x).tolist() == [[2, 0, -2]]


DIGITS = find_recipe("digits-lookup")


@pytest.mark.parametrize(
    ("message", "make"),
    [
        ("inputs of a table must be in 1..8, not 9", lambda: LookupLayer(20, 3, 9)),
        ("neurons of the last lookup layer must be a multiple of 3 classes, not 10", lambda: ClassSums(10, 3, 1.0)),
        (
            "a recipe with lookup layers must have neurons of them, or convs",
            lambda: replace(DIGITS, lookup=LookupRecipe(())),
        ),
        ("neurons must be from 1 to 1048576, not 0", lambda: LookupRecipe((0,))),
        ("fan_in of a lookup layer must be in 1..8, not 0", lambda: LookupRecipe((10,), fan_in=0)),
        ("temperature must be a number above 0, not 0", lambda: LookupRecipe((10,), temperature=0)),
        ("rarest must be in 0..0.5, not 0.6", lambda: LookupRecipe((10,), rarest=0.6)),
        (
            "a recipe with lookup layers must have no widths and no components",
            lambda: replace(DIGITS, widths=(5,)),
        ),
        (
            "a recipe with lookup layers must have no widths and no components",
            lambda: replace(DIGITS, components=Components(fan_in=4)),
        ),
    ],
)
def test_refusals(message: str, make: Callable[[], object]) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        make()


SAMPLES = np.random.default_rng(0).normal(0, 3, (60, 6)).astype(np.float32)


@pytest.mark.parametrize(
    "quantizer",
    [
        ThresholdInput(0.5),
        UnsignedInput(2),
        SignedInput(3, 0.5),
        FittedInput(torch.from_numpy(SAMPLES), InputRecipe(bits=2, levels="ranked", per="channel")),
    ],
    ids=["bit", "unsigned", "signed", "fitted"],
)
def test_the_compiler_reads_the_model_as_it_is(quantizer: InputQuantizer, tmp_path: Path) -> None:
    """Scores, classes and the bits of every layer of tables, unary codes among them."""
    generator = torch.Generator().manual_seed(0)
    recipe = LookupRecipe((14, 12), fan_in=3, temperature=3.0)
    model = lookup_net(quantizer, (6,), recipe, 3, generator, torch.from_numpy(SAMPLES)).eval()
    path = tmp_path / "m.onnx"
    write_onnx(to_onnx(model, (6,), {}), path)
    check_export(model, path, SAMPLES)
    chain = read_model(path).network.chain
    kinds = ["lookup"] * (2 + (quantizer.dtype.bits > 1)) + ["dense"]
    assert [layer.kind for layer in chain if layer.kind != "quantize"] == kinds
    hidden, _ = hidden_activations(model, torch.from_numpy(SAMPLES))
    assert len(hidden) == len(kinds) - 1
    assert weight_bits(model) == (14 + 12) * 8


def test_a_wrong_table_is_noticed(tmp_path: Path) -> None:
    """The check compares the bits of tables, not the classes alone."""
    model = lookup_net(ThresholdInput(0.0), (6,), LookupRecipe((12,)), 3, torch.Generator().manual_seed(0)).eval()
    path = tmp_path / "m.onnx"
    write_onnx(to_onnx(model, (6,), {}), path)
    layer = model[2]
    assert isinstance(layer, LookupLayer)
    with torch.no_grad():
        # Exchanged neurons of one class give the same sums.
        layer.tables[[0, 1]] = layer.tables[[1, 0]]
        layer.wiring[[0, 1, 2, 3, 4, 5, 6, 7]] = layer.wiring[[4, 5, 6, 7, 0, 1, 2, 3]]
    with pytest.raises(CheckError, match=r"^activations of layer lookup"):
        check_export(model, path, SAMPLES)


def test_a_recipe_as_text(tmp_path: Path) -> None:
    recipe = find_recipe("mnist-lookup-up5k")
    path = tmp_path / "r.toml"
    path.write_text(recipe_text(recipe))
    assert RecipeFile.read(path).recipe == recipe
    path.write_text(f"{path.read_text()}temperature = -1.0\n")
    with pytest.raises(
        FileError, match=rf"^{re.escape(str(path))}:\d+: temperature must be a number above 0, not -1.0$"
    ):
        RecipeFile.read(path)


def test_a_table_of_numbers_is_learned(tmp_path: Path, root: Path) -> None:
    """The example for jets on a CSV of its kind: 16 numbers of any unit, a column of five classes by name."""
    random = np.random.default_rng(0)
    classes = np.arange(400) % 5
    # Units so far apart that no thresholds common to all features would do.
    x = (random.normal(0, 1, (400, 16)) + (np.arange(16) % 5 == classes[:, None]) * 2.5) * 10.0 ** np.arange(-4, 12)
    names = ["g", "q", "t", "w", "z"]
    lines = [",".join([*(f"{value:.9g}" for value in row), names[c]]) for row, c in zip(x, classes, strict=True)]
    header = ",".join([*(f"feature{n}" for n in range(16)), "class"])
    (tmp_path / "jets.csv").write_text("\n".join([header, *lines, ""]))
    file = RecipeFile.read(root / "examples" / "jsc-lookup.toml").recipe
    recipe = replace(file, dataset=str(tmp_path / "jets.csv"), batch=20, lookup=LookupRecipe((100,), temperature=6.0))
    result = train(recipe, epochs=6, output=tmp_path / "m.onnx")
    assert result.names == tuple(names) and result.accuracy > 0.85


def test_digits_are_learned(tmp_path: Path) -> None:
    """Four epochs tell most digits, and what is written is the trained network on the whole test split."""
    result = train("digits-lookup", epochs=4, output=tmp_path / "m.onnx")
    assert result.accuracy > 0.85
    layers = read_model(tmp_path / "m.onnx").network.chain
    assert isinstance(layers[1], Lookup) and layers[1].neurons == 300
