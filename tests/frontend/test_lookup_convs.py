"""Truth tables at every position in ONNX: a Conv as their address, executed by onnxruntime, read back; refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.ir import LookupConv, Network
from bnnhw.qonnx import to_qonnx, write_qonnx
from bnnhw.reference import evaluate
from bnnhw.streamline import streamline
from tests.layers import Branch, MapNetwork

BIPOLAR_MAP = (2, 5, 6)

CASES: dict[str, Callable[[], Branch]] = {
    "bits": lambda: (
        MapNetwork(BIPOLAR_MAP)
        .lookup(5, 4, (3, 3), padding=(1, 1, 1, 1), code=1)
        .lookup(4, 3, (2, 2), stride=(2, 2), output="uint2")
        .dense(3, (1, 1), None)
    ),
    "minus": lambda: MapNetwork(BIPOLAR_MAP).lookup(5, 8, (3, 2), padding=(2, 0, 0, 1)).dense(3, (1, 1), None),
    "codes": lambda: (
        MapNetwork((3, 4, 4), "uint2")
        .lookup(4, 3, (2, 3), dilation=(2, 1), padding=(1, 1, 1, 0), code=2, output="int3")
        .lookup(4, 2, (2, 2), padding=(1, 1, 0, 0), output="bipolar")
        .dense(3, (1, 1), None)
    ),
    "signal": lambda: (
        MapNetwork((2, 1, 12), "uint8")
        .lookup(6, 1, (1, 3), stride=(1, 2), output="uint3")
        .lookup(4, 2, (1, 2), padding=(0, 1, 0, 0), code=5)
        .dense(3, (1, 1), None)
    ),
    # One element of one channel, its number its own address; a position; tables of a list as a map of one.
    "single": lambda: MapNetwork((1, 3, 3)).lookup(1, 1, (1, 1)).dense(2, (1, 1), None),
    "pointwise": lambda: MapNetwork((4, 2, 2), "int2").lookup(5, 2, (1, 1)).lookup(6, 2).dense(3, (1, 1), None),
    "behind": lambda: (
        MapNetwork((3, 4, 4))
        .conv(4, (2, 2), (1, 1), output="uint2")
        .lookup(3, 3, (2, 2))
        .pool((2, 2), (1, 1))
        .dense(3, (1, 1), None)
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_there_and_back(case: str, tmp_path: Path) -> None:
    """Scores of onnxruntime and of what is read back are the reference's."""
    onnxruntime = pytest.importorskip("onnxruntime")
    made = CASES[case]()
    assert isinstance(made, MapNetwork)
    network = made.folded().network
    spec = network.input
    codes = np.random.default_rng(3).integers(0, spec.dtype.levels, (40, spec.elements)).astype(np.uint8)
    codes[0], codes[1] = 0, spec.dtype.levels - 1
    due = evaluate(network, codes).scores
    model = to_qonnx(network, batch=len(codes))
    if case not in ("behind",):
        assert {node.op_type for node in model.graph.node} <= {
            *("Pad", "Conv", "Add", "Cast", "Gather", "Transpose", "Reshape", "MatMul", "Mul")
        }
        channels, height, width = spec.shape
        maps = spec.dtype.values(codes).reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        (scores,) = session.run(None, {"global_in": maps.astype(np.float32)})
        assert np.array_equal(scores, due)
    write_qonnx(network, tmp_path / "n.onnx")
    again = streamline(read_model(tmp_path / "n.onnx").network).network
    assert np.array_equal(evaluate(again, codes).scores, due)
    assert sum(isinstance(layer, LookupConv) for layer in again.chain) == sum(
        isinstance(layer, LookupConv) for layer in network.chain
    )


def graph(
    weights: object = None,
    starts: object = (0, 4),
    data: object = None,
    bits: str = "BINARY",
    to: int = TensorProto.INT64,
    middle: tuple[onnx.NodeProto, ...] = (),
    channels: int = 1,
    **attributes: object,
) -> onnx.ModelProto:
    """Two tables of two pixels each of a map of 3 x 3, as somebody else might write them."""
    kernel = np.zeros((2, 1, 2, 2)) if weights is None else np.array(weights, float)
    if weights is None:
        # The pixel and its right neighbour; the pixel and the one below.
        kernel[0, 0, 0], kernel[1, 0, :, 0] = (1, 2), (2, 1)
    constants = {
        "weights": kernel.astype(np.float32),
        "starts": np.array(starts, np.float32).reshape(1, -1, 1, 1),
        "tables": (np.arange(8) * 3 % 7 if data is None else np.array(data)).astype(np.float32),
        "last": np.random.default_rng(0).integers(-1, 2, (8, 3)).astype(np.float32),
    }
    place = middle[-1].output[0] if middle else "place"
    nodes = [
        helper.make_node("Conv", ["x", "weights"], ["sum"], "sum", **attributes),
        helper.make_node("Add", ["sum", "starts"], ["place"], "place"),
        *middle,
        helper.make_node("Cast", [place], ["address"], "address", to=to),
        helper.make_node("Gather", ["tables", "address"], ["found"], "found"),
        helper.make_node("Flatten", ["found"], ["flat"], "flat"),
        helper.make_node("MatMul", ["flat", "last"], ["scores"], "scores"),
    ]
    made = helper.make_graph(
        nodes,
        "tables",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, channels, 3, 3))],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, (1, 3))],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    note = made.quantization_annotation.add(tensor_name="x")
    note.quant_parameter_tensor_names.add(key="finn_datatype", value=bits)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def read(model: onnx.ModelProto, path: Path) -> Network:
    onnx.save(model, path / "m.onnx")
    return streamline(read_model(path / "m.onnx").network).network


TWO = [[[[1, 0], [0, 2]]], [[[0, 4], [8, 0]]]]
NO_ADDRESS = (
    "node 3 of 6: Cast 'address': its type must be float or double, not int64, as only the address of a table may be, "
    "a whole sum of at most 8 bits: round with a quantizer (Quant, QuantizeLinear)"
)


@pytest.mark.parametrize(
    "model",
    [
        graph(),
        graph(to=TensorProto.INT32),
        # Whole as they are, numbers pass through an integer.
        graph(
            middle=(
                helper.make_node("Cast", ["place"], ["whole"], "whole", to=TensorProto.INT64),
                helper.make_node("Cast", ["whole"], ["again"], "again", to=TensorProto.FLOAT),
            )
        ),
        # Places that leave gaps, tables that overlap, and one that is read backwards.
        graph(TWO, (0, 2), np.arange(15) % 5),
        graph(starts=(0, 0), data=(1, 0, 0, 1)),
        graph([[[[-1, -2], [0, 0]]], [[[0, 0], [-1, -2]]]], (3, 7)),
        # All pixels alike count: how many there are is the address.
        graph(np.ones((2, 1, 2, 2)), (0, 5), (0, 1, 1, 0, 1, 1, 1, 0, 0, 1)),
        graph([[[[1, 2], [0, 0]]], [[[0, 0], [0, 0]]]], (0, 4), (0, 1, 1, 0, 1)),
    ],
)
def test_other_peoples_tables(model: onnx.ModelProto, tmp_path: Path) -> None:
    """As onnxruntime computes them, for all maps of 9 bits."""
    onnxruntime = pytest.importorskip("onnxruntime")
    network = read(model, tmp_path)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for number in range(0, 512, 5):
        x = np.array([number >> place & 1 for place in range(9)], np.float32).reshape(1, 1, 3, 3)
        (scores,) = session.run(None, {"x": x})
        found = evaluate(network, network.input.encode(x))
        assert found.classes[0] == scores.argmax()
        assert (np.diff(found.scores[0]) * np.diff(scores[0]) >= 0).all()
    assert "lookup_conv" in [layer.kind for layer in network.chain]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (graph([[[[0.5, 1], [0, 0]]], [[[1, 0], [0, 0]]]]), NO_ADDRESS),
        (graph(np.ones((2, 1, 3, 3))), NO_ADDRESS),
        (graph(starts=(0, 5)), "Gather 'found': its indices must be in 0..7 for all values of the elements, not 0..8"),
        (
            graph(to=TensorProto.INT8),
            "Cast 'address': its type must be float or double, not int8: round with a quantizer (Quant, Quantize",
        ),
        (
            graph(middle=(helper.make_node("Relu", ["place"], ["some"], "some"),)),
            NO_ADDRESS.replace("3 of 6", "4 of 7"),
        ),
    ],
)
def test_refusals(model: onnx.ModelProto, message: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError) as caught:
        read(model, tmp_path)
    assert message in str(caught.value)
