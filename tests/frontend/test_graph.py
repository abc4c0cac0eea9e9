"""ONNX files as graphs: versions, the shape of a sample, nodes in the order of their tensors."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from bnnhw.errors import BnnhwError
from bnnhw.frontend.onnx.graph import Graph, parse
from tests.frontend.models import model, node, parts

NEWEST = onnx.defs.onnx_opset_version()


def graph(
    nodes: list[onnx.NodeProto] | None = None, shape: object = ("batch", 4), kind: int = TensorProto.FLOAT
) -> onnx.ModelProto:
    items = [node("Identity", ["input"], "scores")] if nodes is None else nodes
    inner = helper.make_graph(
        items,
        "g",
        [helper.make_tensor_value_info("input", kind, shape)],  # type: ignore[arg-type]
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, None)],
    )
    return helper.make_model(inner)


def read(proto: onnx.ModelProto) -> Graph:
    return parse(proto.SerializeToString())


@pytest.mark.parametrize("stated, version", [
    ([("", 13)], 13), ([("ai.onnx", 9)], 9), ([("", 1)], 1), ([("", 0)], NEWEST), ([("", -3)], NEWEST),
    ([("", NEWEST + 5)], NEWEST), ([("", NEWEST)], NEWEST), ([("qonnx.custom_op.general", 2)], NEWEST),
    ([("", 11), ("ai.onnx", 13)], 13), ([("", 0), ("", 7)], 7), ([], NEWEST),
])  # fmt: skip
def test_versions(stated: list[tuple[str, int]], version: int) -> None:
    proto = graph()
    del proto.opset_import[:]
    proto.opset_import.extend(helper.make_opsetid(*entry) for entry in stated)
    assert read(proto).opset == version


@pytest.mark.parametrize("shape, found", [
    ((1, 1), (1,)), (("batch", 3, 2, 1), (3, 2, 1)), ((None, 1 << 22), (1 << 22,)), ((5, 1 << 11, 1 << 11),
    (2048, 2048)),
    ((1, 0), None), ((1, 4, 0), None), ((1, "n"), None), ((1, -1), None), ((1,), None), ((), None),
    ((1, (1 << 22) + 1), None), ((1, 1 << 11, (1 << 11) + 1), None),
])  # fmt: skip
def test_shapes_of_a_sample(shape: tuple[object, ...], found: tuple[int, ...] | None) -> None:
    """Behind the batch, whatever that is: sizes of at least 1, and 4 Mi elements at most."""
    if found is not None:
        assert read(graph(shape=shape)).shape == found
        return
    message = "must have a batch dimension" if len(shape) < 2 else "must have a fixed shape of at most 4194304 elements"
    with pytest.raises(BnnhwError, match=message):
        read(graph(shape=shape))


def test_nodes_in_the_order_of_their_tensors() -> None:
    """Whatever order the file has; positions stay those of the file, counted from 1."""
    nodes = [node("Relu", ["b"], "scores"), node("Relu", ["a"], "b"), node("Relu", ["input"], "a")]
    found = read(graph(nodes)).nodes
    assert [(item.outputs, item.position, item.total) for item in found] == [
        (("a",), 3, 3), (("b",), 2, 3), (("scores",), 1, 3),
    ]  # fmt: skip
    assert str(found[0]) == "node 3 of 3: Relu 'a_node'"
    nodes[2].input[0] = "b"
    with pytest.raises(BnnhwError, match="its input depends on its own output"):
        read(graph(nodes))


def test_what_makes_a_model() -> None:
    proto = graph()
    proto.ir_version = 1
    assert len(read(proto).nodes) == 1
    proto.ir_version = 0
    with pytest.raises(BnnhwError, match="not an ONNX model: it has no nodes"):
        read(proto)
    with pytest.raises(BnnhwError, match="not an ONNX model: it has no nodes"):
        read(graph([]))
    proto = model(*parts())
    proto.graph.initializer.append(proto.graph.initializer[0])
    with pytest.raises(BnnhwError, match=r"^initializer 'one' is there twice$"):
        read(proto)
    for what in ("input", "output"):
        proto = model(*parts())
        getattr(proto.graph, what).append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [1, 2]))
        with pytest.raises(BnnhwError, match=rf"^a model must have one {what}, not 2$"):
            read(proto)
    # Before version 4 initializers are listed as inputs.
    proto = model(*parts())
    proto.graph.input.append(helper.make_tensor_value_info("one", TensorProto.FLOAT, []))
    assert read(proto).input == "input"
