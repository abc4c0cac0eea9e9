"""The one writer of QONNX: names are unique, constants shared only by name, the end is what its name says."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from bnnhw.qonnx.graph import DOMAIN, Graph, integer_name


def test_names_that_are_taken_get_a_number() -> None:
    graph = Graph("input", (1, 3), "scores")
    first = graph.constant("scores", np.float32([1]))
    second = graph.constant("scores", np.float32([2]))
    assert (first, second) == ("scores_1", "scores_2")
    once = graph.node("Mul", "twice", graph.input, first)
    again = graph.node("Mul", "twice", once, second)
    assert (once.name, again.name) == ("twice_out", "twice_out_1")
    model = graph.model(again, "test", 13)
    onnx.checker.check_model(model, full_check=True)
    assert [list(node.output) for node in model.graph.node] == [["twice_out"], ["scores"]]
    assert [value.name for value in model.graph.value_info] == ["twice_out"]


def test_shared_constants_are_written_once() -> None:
    graph = Graph("input", (1, 3), "scores")
    assert graph.shared("one", np.asarray(1, np.float32)) == graph.shared("one", np.asarray(1, np.float32)) == "one"
    end = graph.node("BipolarQuant", "sign", graph.input, "one", dtype="BIPOLAR")
    model = graph.model(end, "test", 13, {"key": "value"}, "1.2")
    (constant,) = model.graph.initializer
    assert numpy_helper.to_array(constant).shape == ()
    (node,) = model.graph.node
    assert (node.domain, model.producer_version) == (DOMAIN, "1.2")
    assert [(entry.key, entry.value) for entry in model.metadata_props] == [("key", "value")]
    # The annotation goes with the name.
    assert [note.tensor_name for note in model.graph.quantization_annotation] == ["scores"]


def test_an_end_that_others_read_keeps_its_readers() -> None:
    graph = Graph("input", (1, 3), "scores")
    end = graph.node("Identity", "end", graph.input)
    graph.node("Identity", "reader", end)
    model = graph.model(end, "test", 13)
    assert [list(node.input) for node in model.graph.node] == [["input"], ["scores"]]


def test_elements_and_shapes_follow_the_first_tensor() -> None:
    graph = Graph("input", (2, 3), "scores")
    double = graph.node("Cast", "double", graph.input, element=TensorProto.DOUBLE, to=TensorProto.DOUBLE)
    wide = graph.node("Concat", "wide", double, double, shape=(2, 6), axis=1)
    assert (wide.shape, wide.element) == ((2, 6), TensorProto.DOUBLE)
    onnx.checker.check_model(graph.model(wide, "test", 13), full_check=True)


def test_names_of_integer_types() -> None:
    assert [integer_name(low, high) for low, high in ((0, 1), (0, 4), (-1, 0), (-4, 3), (-4, 4))] == [
        "UINT2",
        "UINT3",
        "INT2",
        "INT3",
        "INT4",
    ]
