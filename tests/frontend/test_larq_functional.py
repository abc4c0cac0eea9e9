"""Larq's functional models: a chain of calls, equal to Keras' layers in NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import FileError, UnsupportedError
from tests.frontend.larq_models import (
    Arrays,
    Layers,
    chain,
    layer,
    save,
)
from tests.frontend.refusals import refuse
from tests.frontend.test_larq import compare


def functional(shape: tuple[int, ...], layers: Layers, keras: int) -> dict[str, Any]:
    """The JSON of a functional model that is a chain, as Keras 2 or Keras 3 writes it."""
    first = layer("InputLayer", "start", **{"batch_input_shape" if keras == 2 else "batch_shape": [None, *shape]})
    entries, before = [{**first, "name": "start", "inbound_nodes": []}], "start"
    for item in layers:
        if keras == 2:
            calls: list[Any] = [[[before, 0, 0, {}]]]
        else:
            tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": [before, 0, 0]}}
            calls = [{"args": [tensor], "kwargs": {"training": False}}]
        before = item["config"]["name"]
        entries.append({**item, "name": before, "inbound_nodes": calls})
    ends = (["start", 0, 0], [before, 0, 0])
    first_layers, last_layers = ([list(end)] for end in ends) if keras == 2 else ends
    config = {"name": "m", "layers": entries, "input_layers": first_layers, "output_layers": last_layers}
    return {"class_name": "Functional", "config": config}


def packed(model: dict[str, Any], arrays: Arrays) -> Arrays:
    return {"architecture": np.frombuffer(json.dumps(model).encode(), np.uint8), **arrays}


@pytest.mark.parametrize("keras", [2, 3])
def test_functional_chain(keras: int, tmp_path: Path) -> None:
    """The order is that of the calls, not of the list; layers that the output does not read are left out."""
    layers, arrays, samples, scores = chain()
    model = functional((12,), layers, keras)
    entries = model["config"]["layers"]
    entries.append({**layer("Lambda", "unread"), "name": "unread", "inbound_nodes": []})
    entries.reverse()
    compare(save(tmp_path / "m.npz", packed(model, arrays)), samples, scores)


def _branch(model: dict[str, Any]) -> None:
    model["config"]["layers"][3]["inbound_nodes"] = [[["n", 0, 0, {}], ["a", 0, 0, {}]]]


def _twice(model: dict[str, Any]) -> None:
    model["config"]["layers"][3]["inbound_nodes"] *= 2


def _loop(model: dict[str, Any]) -> None:
    model["config"]["layers"][1]["inbound_nodes"] = [[["b", 0, 0, {}]]]


def _nested(model: dict[str, Any]) -> None:
    model["config"]["layers"][2]["class_name"] = "Sequential"


def _two_outputs(model: dict[str, Any]) -> None:
    model["config"]["output_layers"].append(["a", 0, 0])


CHAIN = "a functional model must be a chain of layers"


@pytest.mark.parametrize(
    "change, kind, message",
    [
        (_branch, UnsupportedError, f"layer b: it must have one input, not 2: {CHAIN} (branches are read from QONNX)"),
        (_twice, UnsupportedError, f"layer b: it must be called once: {CHAIN}"),
        (_loop, FileError, "array 'architecture' must be the JSON of a Keras model"),
        (
            _nested,
            UnsupportedError,
            "layer n: a model inside a model is not read: put its layers in the outer one",
        ),
        (_two_outputs, UnsupportedError, "a Keras model must have one output, not 2"),
    ],
)
def test_functional_that_is_no_chain(change: Any, kind: Any, message: str, tmp_path: Path) -> None:
    layers, arrays, *_ = chain()
    model = functional((12,), layers, 2)
    change(model)
    refuse(save(tmp_path / "m.npz", packed(model, arrays)), kind, message)


def test_shape_that_the_model_was_built_for(tmp_path: Path) -> None:
    """A Sequential without an InputLayer notes it beside its layers."""
    layers, arrays, samples, scores = chain()
    model = {"class_name": "Sequential", "config": {"layers": layers, "build_input_shape": [None, 12]}}
    compare(save(tmp_path / "m.npz", packed(model, arrays)), samples, scores)
