"""Samples that are integers of a stated type: by option, by the graph's input, by annotations."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from bnnhw.frontend import read_model
from tests.frontend.chain_models import Chain, check, integers, refused
from tests.frontend.models import write

TYPES: dict[str, tuple[Callable[[np.random.Generator, tuple[int, ...]], np.ndarray], str]] = {
    "bipolar": (integers(-1, 1, 0), "bipolar"),
    "INT8": (integers(-128, 127), "int8"),
    "uint4": (integers(0, 15), "uint4"),
    "uint8": (integers(0, 255), "uint8"),
    "ternary": (integers(-1, 1), "int2"),
    "BINARY": (integers(0, 1), "uint1"),
}


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("said", ["by option", "by annotation"])
def test_integers_without_a_quantizer(tmp_path: Path, name: str, said: str) -> None:
    draw, dtype = TYPES[name]
    chain = Chain(8)
    options = {"input_type": name} if said == "by option" else {}
    if not options:
        chain.annotations["input"] = name.upper()
    network = check(chain.end(8, flat=True), tmp_path, draw, **options)
    assert str(network.input.dtype) == dtype and network.input.thresholds is None


@pytest.mark.parametrize("element, dtype", [(TensorProto.UINT8, "uint8"), (TensorProto.INT8, "int8")])
def test_integers_of_the_graphs_input(tmp_path: Path, element: int, dtype: str) -> None:
    """Cast and scaled, and convolved as they are; quantized, they are samples like others."""
    draw = integers(0, 127)
    for bits in (None, 3):
        chain = Chain(3, 4, 4).add("Cast", to=TensorProto.FLOAT).add("Mul", 0.5)
        chain.element = element
        if bits is not None:
            chain.add("Sub", np.float32([9, 20, 40]).reshape(3, 1, 1)).quant(bits, 16.0)
        network = check(chain.conv(4, 3, 2, 2).end(36), tmp_path, draw)
        assert str(network.input.dtype) == ("int3" if bits else dtype)
        assert (network.input.thresholds is None) == (bits is None)


def test_integers_and_what_is_done_to_them(tmp_path: Path) -> None:
    """Factors and offsets of integers fold into what follows; by channel, an integer layer brings them in."""
    draw = integers(-8, 7)
    chain = Chain(2, 3, 3).add("Mul", 0.25).add("Add", 1.0)
    network = check(chain.conv(3, 2, 2, 2).end(12), tmp_path, draw, input_type="int4")
    assert [layer.kind for layer in network.chain] == ["conv", "dense"]
    chain = Chain(2, 3, 3).add("Mul", np.float32([1, -3]).reshape(2, 1, 1))
    network = check(chain.conv(3, 2, 2, 2).end(12), tmp_path, draw, input_type="int4")
    assert [layer.kind for layer in network.chain] == ["affine", "conv", "dense"]
    chain = Chain(4).add("Relu").end(4, flat=True)
    assert "the samples must be quantized behind what is done to them" in refused(chain, tmp_path, input_type="int4")


def test_scale_and_offset_of_integers(tmp_path: Path) -> None:
    """The type is that of raw samples: bits 0 and 1 that the graph takes as -1 and +1; an annotation is the graph's."""
    taken = {"taken": lambda raw: 2.0 * raw - 1, "input_scale": Fraction(2), "input_offset": Fraction(-1)}
    network = check(Chain(8).end(8, flat=True), tmp_path, integers(0, 1), input_type="uint1", **taken)
    assert str(network.input.dtype) == "uint1" and network.input.thresholds is None
    chain = Chain(8)
    chain.annotations["input"] = "BIPOLAR"
    network = check(chain.end(8, flat=True), tmp_path, integers(0, 1), **taken)
    assert str(network.input.dtype) == "bipolar" and network.input.thresholds == (0.5,)


def test_annotations_of_later_tensors(tmp_path: Path) -> None:
    chain = Chain(1, 2, 4).add("Flatten")
    chain.annotations[chain.tensor] = "INT4"
    network = check(chain.end(8, flat=True), tmp_path, integers(-8, 7))
    assert str(network.input.dtype) == "int4" and network.input.thresholds is None
    # Behind a step it is the nearest integer of what the step gives.
    chain = Chain(8).add("Mul", 4.0)
    chain.annotations[chain.tensor] = "FIXED<4,3>"
    chain.annotations["input"] = "FLOAT32"
    network = check(chain.end(8, flat=True), tmp_path, lambda random, shape: random.integers(-8, 8, shape) / 8)
    assert str(network.input.dtype) == "int4" and network.input.thresholds is not None


@pytest.mark.parametrize(
    "element, name, option, said",
    [
        (TensorProto.FLOAT, "INT8", "uint8", "int8"),
        (TensorProto.FLOAT, "BIPOLAR", "uint1", "bipolar"),
        (TensorProto.FLOAT, "FIXED<8,4>", "int8", "int8 times 1/16"),
        (TensorProto.FLOAT, "INT8", "INT8", None),
        (TensorProto.UINT8, None, "uint4", "uint8"),
        (TensorProto.UINT8, None, "uint8", None),
    ],
)
def test_a_type_by_option_that_the_graph_contradicts(
    tmp_path: Path, element: int, name: str | None, option: str, said: str | None
) -> None:
    """The option counts, and one warning names both; annotated at the input or at what is the same."""
    for where in ("input", "t0"):
        chain = Chain(1, 2, 4).add("Flatten")
        chain.element = element
        if name is not None:
            chain.annotations[where] = name
        found = read_model(write(chain.end(8, flat=True), tmp_path / "m.onnx"), input_type=option)
        assert str(found.network.input.dtype) == option.lower()
        tensor = "graph input 'input'" if where == "input" or name is None else "node 1 of 3: Flatten 't0_node'"
        kind = option.lower()
        line = f"{tensor}: the graph says {said}, and --input-type {kind}: samples are read as {kind}"
        assert found.warnings == (() if said is None else (line,))


def test_a_type_by_option_beside_what_the_graph_says_of_scaled_samples(tmp_path: Path) -> None:
    """A type of raw samples and one of what a scale makes of them are no contradiction."""
    chain = Chain(8)
    chain.annotations["input"] = "BIPOLAR"
    options = {"input_type": "uint1", "input_scale": Fraction(2), "input_offset": Fraction(-1)}
    path = write(chain.end(8, flat=True), tmp_path / "m.onnx")
    assert read_model(path, **options).warnings == ()
    chain = Chain(8).add("Mul", 4.0)
    chain.annotations[chain.tensor] = "INT6"
    found = read_model(write(chain.end(8, flat=True), path), input_type="int4")
    assert found.warnings == () and str(found.network.input.dtype) == "int4"
