from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from bnnhw.errors import FileError
from bnnhw.training.evaluation import evaluate_float64
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.layers import BatchNorm, BinaryActivation, BinaryLinear
from bnnhw.training.models import input_quantizer, mlp
from bnnhw.training.recipes import InputRecipe

from .onnx_float64 import evaluate

INPUTS = {"bit planes": InputRecipe(bits=4), "threshold": InputRecipe(threshold=7.5)}


def random_model(recipe: InputRecipe, seed: int = 0) -> nn.Sequential:
    """An 12-9-7-5 network with random batch normalization, negative and zero gammas among it."""
    generator = torch.Generator().manual_seed(seed)
    model = mlp(input_quantizer(recipe), 12, (9, 7), 5, generator)
    for module in model:
        if isinstance(module, BatchNorm):
            assert module.running_mean is not None and module.running_var is not None
            with torch.no_grad():
                for tensor in (module.weight, module.bias, module.running_mean):
                    tensor.copy_(torch.randn(tensor.shape, generator=generator))
                module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) * 20)
                module.weight[0] = 0
    return model.eval()


def raw_samples(frames: int = 200) -> np.ndarray:
    return np.random.default_rng(0).uniform(-2, 18, (frames, 12)).astype(np.float32)


@pytest.mark.parametrize("name", INPUTS)
def test_the_graph_in_float64_is_the_model_in_float64(name: str) -> None:
    model = random_model(INPUTS[name])
    samples = raw_samples()
    tensors = evaluate(to_onnx(model, (12,), {}), samples)
    hidden, scores = evaluate_float64(model, samples)
    assert np.array_equal(tensors["scores"], scores)
    for i, expected in enumerate(hidden):
        assert np.array_equal(tensors[f"layer{i}_sign_out"], expected)
        assert len(np.unique(expected)) == 2


@pytest.mark.parametrize(
    ("name", "first"),
    [("bit planes", ["Quant"]), ("threshold", ["Sub", "BipolarQuant"])],
)
def test_nodes_are_the_agreed_ones(name: str, first: list[str]) -> None:
    exported = to_onnx(random_model(INPUTS[name]), (12,), {})
    layer = ["BipolarQuant", "MatMul", "BatchNormalization"]
    assert [n.op_type for n in exported.graph.node] == [
        *first,
        *layer,
        "BipolarQuant",
        *layer,
        "BipolarQuant",
        *layer,
    ]
    for node in exported.graph.node:
        assert node.domain == ("qonnx.custom_op.general" if node.op_type in ("Quant", "BipolarQuant") else "")
    assert {o.domain: o.version for o in exported.opset_import} == {"": 17, "qonnx.custom_op.general": 1}
    (graph_input,) = exported.graph.input
    (graph_output,) = exported.graph.output
    for value, expected, shape in ((graph_input, "input", [1, 12]), (graph_output, "scores", [1, 5])):
        assert value.name == expected
        assert [d.dim_value for d in value.type.tensor_type.shape.dim] == shape
        assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_the_checker_accepts_the_model() -> None:
    onnx.checker.check_model(to_onnx(random_model(INPUTS["bit planes"]), (12,), {}), full_check=True)


def test_initializers_hold_what_the_model_uses() -> None:
    model = random_model(INPUTS["bit planes"])
    exported = to_onnx(model, (12,), {})
    tensors = {t.name: numpy_helper.to_array(t) for t in exported.graph.initializer}
    linear, norm = model[1], model[2]
    assert isinstance(linear, BinaryLinear) and isinstance(norm, BatchNorm)
    assert np.array_equal(tensors["layer0_weight"], linear.signs.detach().numpy().T)
    assert set(np.unique(tensors["layer0_weight"])) == {-1.0, 1.0}
    assert norm.running_var is not None
    assert np.array_equal(tensors["layer0_norm_gamma"], norm.weight.detach().numpy())
    assert np.array_equal(tensors["layer0_norm_var"], norm.running_var.numpy())
    assert all(array.dtype == np.float32 for array in tensors.values())
    (node,) = [n for n in exported.graph.node if n.name == "layer0_norm"]
    assert next(a.f for a in node.attribute if a.name == "epsilon") == norm.eps
    assert list(node.input)[1:] == [f"layer0_norm_{p}" for p in ("gamma", "beta", "mean", "var")]


def test_metadata_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    write_onnx(to_onnx(random_model(INPUTS["threshold"]), (12,), {"recipe": "toy", "seed": "3"}), path)
    properties = {p.key: p.value for p in onnx.load(path).metadata_props}
    assert properties.pop("bnnhw")
    assert properties == {"recipe": "toy", "seed": "3"}


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_onnx(to_onnx(random_model(INPUTS["bit planes"]), (12,), {"z": "1", "a": "2"}), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_a_module_without_export_is_named() -> None:
    with pytest.raises(TypeError, match=r"^module must be a layer that can be exported, not ReLU$"):
        to_onnx(nn.Sequential(nn.ReLU()), (3,), {})


def test_an_epsilon_that_onnx_would_round_is_refused() -> None:
    norm = BatchNorm(3)
    norm.eps = 1e-5
    with pytest.raises(ValueError, match=r"^eps must be exact in float32, not 1e-05$"):
        to_onnx(nn.Sequential(BinaryLinear(3, 3), norm), (3,), {})


def test_a_model_in_float64_is_refused() -> None:
    model = nn.Sequential(BinaryLinear(3, 3), BatchNorm(3), BinaryActivation()).double()
    with pytest.raises(ValueError, match=r"^parameters must be float32, not float64$"):
        to_onnx(model, (3,), {})


def test_a_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "no" / "m.onnx"
    with pytest.raises(FileError, match=rf"^{path}: can't be written: No such file or directory$"):
        write_onnx(to_onnx(random_model(INPUTS["threshold"]), (12,), {}), path)
