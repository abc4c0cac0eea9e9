"""Constants computed by any operator, and shapes that depend on the batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.frontend.onnx.fold import MAX_GROWN
from bnnhw.reference import evaluate_trained
from tests.frontend.models import write
from tests.frontend.qdq_models import Qdq, executed
from tests.frontend.refusals import refuse

onnxruntime = pytest.importorskip("onnxruntime")

VALUES = np.array([1.5, -2.0, 0.25, 4.0])


def _ints(graph: Qdq, *values: int) -> str:
    return graph.constant(np.array(values), "int64")


def _one(op: str, **attributes: Any) -> Callable[[Qdq], str]:
    return lambda graph: graph.add(op, graph.constant(VALUES), **attributes)


def _positive(op: str) -> Callable[[Qdq], str]:
    return lambda graph: graph.add(op, graph.constant(np.array([1.0, 4.0, 0.25, 16.0])))


def _two(op: str, second: Any = (2.0, -1.0, 0.5, 4.0)) -> Callable[[Qdq], str]:
    return lambda graph: graph.add(op, graph.constant(VALUES), graph.constant(second))


def _where(graph: Qdq) -> str:
    x = graph.constant(VALUES)
    return graph.add("Where", graph.add("Greater", x, graph.constant(0.5)), x, graph.constant(0.5))


def _equal(graph: Qdq) -> str:
    x = graph.constant(VALUES)
    return graph.add("Cast", graph.add("Not", graph.add("Equal", x, graph.constant(4.0))), to=TensorProto.FLOAT)


def _infinite(graph: Qdq) -> str:
    x = graph.add("Div", graph.constant(VALUES), graph.constant([1.0, 0.0, 1.0, 0.0]))
    return graph.add("Clip", x, graph.constant(-8.0), graph.constant(8.0))


def _gathered(graph: Qdq) -> str:
    return graph.add("Gather", graph.constant(np.linspace(0, 4, 9)), _ints(graph, 8, 0, 1, 2), axis=0)


def _sliced(graph: Qdq) -> str:
    table = graph.constant(np.arange(24.0).reshape(2, 12))
    row = graph.add("Slice", table, _ints(graph, 1), _ints(graph, 2), _ints(graph, 0))
    row = graph.add("Slice", row, _ints(graph, 10), _ints(graph, 2), _ints(graph, 1), _ints(graph, -2))
    return graph.add("Squeeze", row, _ints(graph, 0))


def _joined(graph: Qdq) -> str:
    part = graph.add("Expand", graph.constant(2.0), _ints(graph, 2))
    tiled = graph.add("Tile", graph.constant([1.0, 3.0]), _ints(graph, 1))
    return graph.add("Concat", part, tiled, axis=0)


def _filled(graph: Qdq) -> str:
    value = helper.make_tensor("value", TensorProto.FLOAT, [1], [0.5])
    return graph.add("ConstantOfShape", graph.add("Shape", graph.constant(VALUES)), value=value)


def _ranged(graph: Qdq) -> str:
    steps = [graph.constant(np.array(value), "int64") for value in (1, 9, 2)]
    return graph.add("Cast", graph.add("Range", *steps), to=TensorProto.FLOAT)


def _mean(graph: Qdq) -> str:
    table = graph.constant(np.arange(12.0).reshape(3, 4) ** 2)
    return graph.add("ReduceMean", table, axes=[0], keepdims=0)


def _turned(graph: Qdq) -> str:
    cube = graph.add("Transpose", graph.constant(np.arange(8.0).reshape(2, 1, 4)), perm=[2, 1, 0])
    return graph.add("Flatten", graph.add("Gather", cube, graph.constant(np.array(1), "int64"), axis=2), axis=0)


def _halves(graph: Qdq) -> str:
    half = graph.add("Cast", graph.constant(VALUES), to=TensorProto.FLOAT16)
    return graph.add("Cast", graph.add("Add", half, half), to=TensorProto.FLOAT)


CASES: dict[str, Callable[[Qdq], str]] = {
    **{op: _one(op) for op in ("Abs", "Neg", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Identity", "Exp", "Erf")},
    **{op: _positive(op) for op in ("Sqrt", "Log")},
    **{op: _two(op) for op in ("Add", "Sub", "Mul", "Div", "Max", "Min")},
    "Pow": _two("Pow", 2.0),
    "Mod": lambda graph: graph.add("Mod", graph.constant(VALUES), graph.constant(1.25), fmod=1),
    "Sum": lambda graph: graph.add("Sum", *(graph.constant(VALUES) for _ in range(3))),
    "Clip": lambda graph: graph.add("Clip", graph.constant(VALUES), graph.constant(0.5), graph.constant(2.0)),
    **{
        case.__name__[1:]: case
        for case in (_where, _equal, _infinite, _gathered, _sliced, _joined, _filled, _ranged, _mean, _turned, _halves)
    },
}


def _samples(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).integers(-40, 41, (50, *shape)) / 8


def _check(proto: onnx.ModelProto, path: Path) -> None:
    """Scores as trained equal those of onnxruntime."""
    shape = [dim.dim_value for dim in proto.graph.input[0].type.tensor_type.shape.dim][1:]
    x = _samples(*shape)
    network = read_model(write(proto, path)).network
    scores = evaluate_trained(network, network.input.encode(x)).scores
    assert np.array_equal(scores, executed(proto, x))


@pytest.mark.parametrize("name", CASES)
def test_shifts_that_are_computed(tmp_path: Path, name: str) -> None:
    """Equal to what onnxruntime computes."""
    graph = Qdq(6, seed=1, opset=17)
    x = graph.add("MatMul", graph.quantized("input", 0.5, 0, "int8"), graph.weights((6, 4), 1.0))
    shift = graph.add("Reshape", CASES[name](graph), _ints(graph, -1))
    if name in ("Exp", "Erf", "Log", "Reciprocal", "mean"):
        # To 1/256, so that the addition is exact in float32; kernels of some differ in the last bit too.
        shift = graph.add("Round", graph.add("Mul", shift, graph.constant(256.0)))
        shift = graph.add("Mul", shift, graph.constant(1 / 256))
    _check(graph.model(graph.add("Add", x, shift), 4), tmp_path / "m.onnx")


def _batch(graph: Qdq) -> str:
    return graph.add("Gather", graph.add("Shape", "input"), graph.constant(np.array(0), "int64"), axis=0)


def _by_product(graph: Qdq) -> str:
    """``x.view(x.size(0), x.size(1) * x.size(2) * x.size(3))``."""
    sizes = [graph.add("Gather", graph.add("Shape", "input"), _ints(graph, i), axis=0) for i in range(4)]
    product = graph.add("Mul", graph.add("Mul", sizes[1], sizes[2]), sizes[3])
    return graph.add("Reshape", "input", graph.add("Concat", sizes[0], product, axis=0))


def _by_slice(graph: Qdq) -> str:
    """``torch.flatten`` with the shape taken apart: a slice of it, and the product of the rest."""
    shape = graph.add("Shape", "input")
    first = graph.add("Slice", shape, _ints(graph, 0), _ints(graph, 1))
    rest = graph.add("ReduceProd", graph.add("Slice", shape, _ints(graph, 1), _ints(graph, 9)), keepdims=1)
    return graph.add("Reshape", "input", graph.add("Concat", first, rest, axis=-1))


def _by_size(graph: Qdq) -> str:
    each = graph.add("Div", graph.add("Size", "input"), _batch(graph))
    sizes = [graph.add("Unsqueeze", size, _ints(graph, 0)) for size in (_batch(graph), each)]
    return graph.add("Reshape", "input", graph.add("Concat", *sizes, axis=0))


def _by_part_of_the_shape(graph: Qdq) -> str:
    part = graph.add("Shape", "input", start=-4, end=-3)
    return graph.add("Reshape", "input", graph.add("Concat", part, _ints(graph, -1), axis=0))


def _by_where(graph: Qdq) -> str:
    """``expand``'s own arithmetic: -1 keeps the size."""
    asked = _ints(graph, -1, 12)
    kept = graph.add("Concat", graph.add("Unsqueeze", _batch(graph), _ints(graph, 0)), _ints(graph, 1), axis=0)
    shape = graph.add("Where", graph.add("Equal", asked, _ints(graph, -1)), kept, asked)
    return graph.add("Reshape", "input", shape)


def _allowzero(graph: Qdq) -> str:
    return graph.add("Reshape", "input", _ints(graph, -1, 12), allowzero=1)


def _zeros(graph: Qdq) -> str:
    x = graph.add("Reshape", "input", _ints(graph, 0, 0, -1))
    return graph.add("Reshape", x, _ints(graph, 0, -1))


def _steps(graph: Qdq) -> str:
    x = graph.add("Unsqueeze", graph.add("Cast", graph.add("Identity", "input"), to=1), _ints(graph, -1))
    x = graph.add("Dropout", graph.add("Squeeze", x, _ints(graph, 4)))
    return graph.add("Flatten", graph.add("Flatten", x, axis=-3), axis=1)


SHAPES = (
    _by_product,
    _by_slice,
    _by_size,
    _by_part_of_the_shape,
    _by_where,
    _allowzero,
    _zeros,
    _steps,
)


@pytest.mark.parametrize("flat", SHAPES, ids=lambda flat: flat.__name__[1:])
def test_shapes(tmp_path: Path, flat: Callable[[Qdq], str]) -> None:
    graph = Qdq(2, 2, 3, seed=2, opset=17)
    x = graph.quantized(flat(graph), 0.5, 0, "int8")
    _check(graph.model(graph.add("MatMul", x, graph.weights((12, 4), 1.0)), 4), tmp_path / "m.onnx")


def test_weights_that_change_shape(tmp_path: Path) -> None:
    """Scales per neuron follow their rows through Reshape, Transpose, Squeeze and Unsqueeze."""
    graph = Qdq(6, seed=4, opset=17)
    w = graph.weights((4, 3, 2), [0.5, 1.0, 2.0, 4.0], zero=[0] * 4, axis=0)
    w = graph.add("Squeeze", graph.add("Unsqueeze", w, _ints(graph, 1)), _ints(graph, 1))
    w = graph.add("Transpose", graph.add("Flatten", w, axis=1), perm=[1, 0])
    w = graph.add("Reshape", graph.add("Reshape", w, _ints(graph, 2, 3, -1)), _ints(graph, 6, 4), allowzero=1)
    x = graph.quantized("input", 0.5, 0, "int8")
    _check(graph.model(graph.add("MatMul", x, w), 4), tmp_path / "m.onnx")


def _too_large(graph: Qdq) -> str:
    return graph.add("Tile", graph.constant(VALUES), _ints(graph, 1 << 40))


def _expanded(graph: Qdq) -> str:
    return graph.add("Expand", graph.constant(1.0), _ints(graph, 1 << 20, 2))


def _of_the_batch(graph: Qdq) -> str:
    shape = graph.add("Concat", graph.add("Unsqueeze", _batch(graph), _ints(graph, 0)), _ints(graph, 400), axis=0)
    return graph.add("Expand", graph.constant(1.0), shape)


def _unfit(graph: Qdq) -> str:
    return graph.add("Add", graph.constant(VALUES), graph.constant([1.0, 2.0, 3.0]))


def _random(graph: Qdq) -> str:
    return graph.add("RandomNormal", shape=[4])


def _unknown_size(graph: Qdq) -> str:
    return graph.add("NonZero", graph.constant(VALUES))


def _text(graph: Qdq) -> str:
    return graph.add("Cast", graph.constant(VALUES), to=TensorProto.STRING)


LARGE = f"a constant that it makes must have at most {MAX_GROWN} values, not {{}}: compute it before export"

REFUSED = {
    _too_large: f"node 4 of 6: Tile 'tile3_node': {LARGE.format(1 << 42)}",
    _expanded: f"node 4 of 6: Expand 'expand3_node': {LARGE.format(1 << 21)}",
    _of_the_batch: "node 8 of 10: Expand 'expand7_node': it makes 2800 values that depend on the number of frames: "
    "export the model with a batch of 1, or compute them before export",
    _unfit: "node 4 of 6: Add 'add3_node': its inputs do not fit it: [ShapeInferenceError] Incompatible dimensions",
    _unknown_size: "node 4 of 6: NonZero 'nonzero3_node': the size of its output must be known before it is computed: "
    "compute it before export",
    _text: "node 4 of 6: Cast 'cast3_node': its output must be an array of numbers",
}


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.__name__[1:])
def test_refusals(tmp_path: Path, case: Callable[[Qdq], str]) -> None:
    graph = Qdq(6, seed=1, opset=17)
    x = graph.add("MatMul", graph.quantized("input", 0.5, 0, "int8"), graph.constant(np.eye(6)[:, :4]))
    proto = graph.model(graph.add("Add", x, case(graph)), 4)
    refuse(write(proto, tmp_path / "m.onnx"), UnsupportedError, REFUSED[case])


def test_random_numbers_are_no_constants(tmp_path: Path) -> None:
    graph = Qdq(6, seed=1, opset=17)
    x = graph.add("MatMul", graph.quantized("input", 0.5, 0, "int8"), graph.constant(np.eye(6)[:, :4]))
    path = write(graph.model(graph.add("Add", x, _random(graph)), 4), tmp_path / "m.onnx")
    with pytest.raises(UnsupportedError, match=r"node 4 of 6: RandomNormal 'randomnormal3_node' is not read: "):
        read_model(path)


def test_shapes_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"

    def check(change: Callable[[Qdq], str], message: str) -> None:
        graph = Qdq(2, 2, 3, opset=17)
        refuse(write(graph.model(change(graph), 4), path), UnsupportedError, message)

    check(
        lambda graph: graph.add("Reshape", "input", _ints(graph, -1, 0), allowzero=1),
        "node 1 of 2: Reshape 'reshape0_node': its shape must have no dimension of 0 elements, not [-1, 0] with "
        "allowzero",
    )
    check(
        lambda graph: graph.add("Reshape", "input", graph.add("Mul", graph.add("Shape", "input"), _ints(graph, 2))),
        "node 3 of 4: Reshape 'reshape2_node': its shape must leave the batch alone, not be [10, 4, 4, 6] or "
        "[14, 4, 4, 6] for 5 or 7 frames: reshape behind the batch only",
    )
    check(
        lambda graph: graph.add("Flatten", "input", axis=2),
        "node 1 of 2: Flatten 'flatten0_node': its axis must leave the batch alone, not join it with dimensions of "
        "(2,): flatten from axis 1",
    )
    check(
        lambda graph: graph.add("Cast", "input", to=TensorProto.INT8),
        "node 1 of 2: Cast 'cast0_node': its type must be float or double, not int8: round with a quantizer (Quant, "
        "QuantizeLinear)",
    )
    check(
        lambda graph: graph.add("Squeeze", graph.add("Unsqueeze", "input", _ints(graph, 0)), _ints(graph, 0)),
        "node 1 of 3: Unsqueeze 'unsqueeze0_node': its axes must not be the batch: keep the batch as the first "
        "dimension up to the output",
    )
    check(
        lambda graph: graph.add("Squeeze", "input"),
        "node 1 of 2: Squeeze 'squeeze0_node': its axes must be given: name the dimension in the model, as in "
        "x.squeeze(-1)",
    )
    check(
        lambda graph: graph.add("Dropout", "input", graph.constant(0.5), graph.constant(np.array(True), "bool")),
        "node 1 of 2: Dropout 'dropout0_node': its training_mode must be false: export the model in inference, "
        "model.eval()",
    )
