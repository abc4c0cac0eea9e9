"""Monotone functions of ONNX in front of a quantizer: of products, of raw samples, refused where they fall and rise."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from bnnhw.errors import UnsupportedError
from bnnhw.frontend import read_model
from bnnhw.streamline import streamline
from tests.frontend.chain_models import Chain, check, integers, normal
from tests.frontend.models import write

Step = Callable[[Chain], Chain]


def plain(kind: str, *constants: Any, **attributes: Any) -> Step:
    return lambda chain: chain.add(kind, *constants, **attributes)


def squared(chain: Chain) -> Chain:
    """A tensor times itself."""
    name = chain.tensor
    chain.add("Mul")
    chain.nodes[-1].input.append(name)
    return chain


ALL: dict[str, Step] = {
    "Asinh": plain("Asinh"),
    "Atan": plain("Atan"),
    "Exp": plain("Exp"),
    "Neg": plain("Neg"),
    "Sinh": plain("Sinh"),
    "Pow 1": plain("Pow", 1.0),
    "Pow 3": plain("Pow", 3.0),
    "Shrink": plain("Shrink", lambd=0.5, bias=0.25),
    "soft shrink": plain("Shrink", lambd=0.375, bias=0.375),
    "hard shrink": plain("Shrink", lambd=0.375),
    "wide shrink": plain("Shrink", lambd=0.25, bias=-0.5),
    "ThresholdedRelu": plain("ThresholdedRelu", alpha=0.25),
    "relu by hand": plain("ThresholdedRelu", alpha=0.0),
}
"""Functions of all numbers."""

PART: dict[str, tuple[Step, float, float]] = {
    "Acos": (plain("Acos"), -1.0, 1.0),
    "Acosh": (plain("Acosh"), 1.0, 9.0),
    "Asin": (plain("Asin"), -1.0, 1.0),
    "Atanh": (plain("Atanh"), -0.96875, 0.96875),
    "Log": (plain("Log"), 0.03125, 9.0),
    "log of 0": (plain("Log"), 0.0, 9.0),
    "Reciprocal": (plain("Reciprocal"), 0.125, 9.0),
    "Sqrt": (plain("Sqrt"), 0.0, 9.0),
    "Pow 0.5": (plain("Pow", 0.5), 0.0, 9.0),
    "Pow 2": (plain("Pow", 2.0), 0.0, 9.0),
    "Pow -1": (plain("Pow", -1.0), 0.125, 9.0),
    "square": (squared, 0.0, 9.0),
}
"""Functions of some numbers, and of which."""

QUANTIZERS: dict[str, Step] = {
    "sign": lambda chain: chain.add("Sub", 0.4375).add("BipolarQuant", 1.0, domain="qonnx.custom_op.general"),
    "quant": lambda chain: chain.quant(4, 0.25),
    "falling": lambda chain: chain.add("Mul", -1.0).quant(3, 0.3125, rounding_mode="FLOOR"),
}


def product(chain: Chain) -> Chain:
    """Dot products, and steps of both directions to numbers about 0."""
    weights = chain.random.choice([-1, 1], (9, 5)).astype(np.float32)
    chain.quant(4).add("MatMul", weights)
    return chain.add("Mul", np.float32([0.5, -0.25, 0.375, 1, 0.75])).add("Add", np.float32([0, 0.25, -0.5, 1, 0.125]))


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("quantizer", QUANTIZERS)
@pytest.mark.parametrize("name", [*ALL, *PART])
def test_of_products(tmp_path: Path, name: str, quantizer: str) -> None:
    chain = product(Chain(9, seed=len(name)))
    if name in PART:
        function, low, high = PART[name]
        chain = function(chain.add("Clip", low, high))
    else:
        chain = ALL[name](chain)
    network = check(QUANTIZERS[quantizer](chain).end(5, flat=True), tmp_path)
    assert [layer.kind for layer in network.chain] == ["dense", "dense"]


@pytest.mark.parametrize("name", [*ALL, *PART])
def test_of_samples(tmp_path: Path, name: str) -> None:
    """Read as thresholds of the input: no layer computes anything."""
    chain = Chain(8)
    draw = normal
    if name in PART:
        function, low, high = PART[name]
        chain = function(chain)

        def draw(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
            return random.uniform(low, high, shape)
    else:
        chain = ALL[name](chain)
    proto = chain.quant(4, 0.25).end(8, flat=True)
    network = check(proto, tmp_path, draw)
    assert [layer.kind for layer in network.chain] == ["dense"]
    said = read_model(tmp_path / "m.onnx", input_scale=Fraction(1)).warnings
    everywhere = name in ALL and name not in ("Exp", "Sinh", "Pow 3")
    assert bool(said) != everywhere
    assert all(re.search(r"must lie in .*, where it is a number: samples beyond are read as those at", w) for w in said)


def test_samples_beyond_are_those_at_the_end(tmp_path: Path) -> None:
    """The logarithm of a table's counts: what is negative by mistake is the least level, as 0 is."""
    chain = Chain(4).add("Add", 1.0).add("Log").quant(3, 0.5)
    network = read_model(write(chain.end(4, flat=True), tmp_path / "m.onnx"), input_scale=1).network
    codes = network.input.encode(np.array([[-5.0, -1.0, 0.0, 3.0]]))
    assert network.input.dtype.values(codes).tolist() == [[-4, -4, 0, 3]]


def test_integers_that_lie_inside_need_no_word(tmp_path: Path) -> None:
    chain = Chain(8).add("Add", 1.0).add("Log").quant(4, 0.5)
    check(chain.end(8, flat=True), tmp_path, integers(0, 255), input_type="uint8")
    assert read_model(tmp_path / "m.onnx", input_type="uint8").warnings == ()


def test_squared_relu(tmp_path: Path) -> None:
    """Of Primer: Relu, then squared, whose root is no rational number."""
    chain = product(Chain(9, seed=2)).add("Relu").add("Pow", 2.0)
    network = check(chain.quant(4, 0.75, 0).end(5, flat=True), tmp_path)
    assert streamline(network).warnings == ()


def test_whole_numbers_that_float64_rounds(tmp_path: Path) -> None:
    """A root and its square cancel exactly, where 0.1 + 0.2 does not."""
    chain = product(Chain(9, seed=2)).add("Relu").add("Sqrt").add("Pow", 2.0).quant(4, 0.125, 0)
    first = read_model(write(chain.end(5, flat=True), tmp_path / "m.onnx"), input_scale=1).network
    plain_chain = product(Chain(9, seed=2)).add("Relu").quant(4, 0.125, 0)
    second = read_model(write(plain_chain.end(5, flat=True), tmp_path / "n.onnx"), input_scale=1).network
    assert streamline(first).network.chain == streamline(second).network.chain


ROUNDED: dict[str, Step] = {
    "clipped, then rounded": lambda c: c.add("Clip", 0.0, 1.0).add("Mul", 8.0).add("Round").add("Div", 8.0),
    "rounded, then clipped": lambda c: c.add("Div", 0.375).add("Round").add("Clip", -4.0, 3.0).add("Mul", 0.375),
    "floor": lambda c: c.add("Clip", -2.0, 1.75).add("Mul", 4.0).add("Floor"),
    "ceil": lambda c: c.add("Clip", -2.0, 2.0).add("Mul", 3.0).add("Ceil"),
    "half up by hand": lambda c: c.add("Mul", 2.0).add("Add", 0.5).add("Floor").add("Clip", -7.0, 7.0),
    "quantized again": lambda c: c.add("Mul", 3.0).add("Round").quant(3, 2.0),
}


@pytest.mark.parametrize("of", ["product", "samples"])
@pytest.mark.parametrize("name", ROUNDED)
def test_quantizers_by_hand(tmp_path: Path, name: str, of: str) -> None:
    """Rounding is a quantizer where few whole numbers are reached, or where a clip says which there are."""
    chain, size = (product(Chain(9, seed=3)), 5) if of == "product" else (Chain(8), 8)
    network = check(ROUNDED[name](chain).end(size, flat=True), tmp_path)
    kinds = ["dense", "quantize", "dense"] if name == "quantized again" else ["dense", "dense"]
    assert [layer.kind for layer in network.chain] == (kinds if of == "product" else ["dense"])


def test_rounded_elements(tmp_path: Path) -> None:
    """Elements are few numbers: what is rounded of them is a table."""
    chain = Chain(8).quant(4, 0.25).add("Round")
    network = check(chain.end(8, flat=True), tmp_path)
    assert network.chain[-1].input.bits == 3


REFUSED: dict[str, tuple[Step, str]] = {
    "tangent": (plain("Tan"), "a tangent is not monotone"),
    "cosh": (plain("Cosh"), "a hyperbolic cosine is not monotone"),
    "log": (plain("Log"), "its input must lie in 0..inf, where it is a number, and reaches -"),
    "sqrt": (plain("Sqrt"), "its input must lie in 0..inf, where it is a number, and reaches -"),
    "asin": (plain("Asin"), "its input must lie in -1..1, where it is a number, and reaches -"),
    "reciprocal": (plain("Reciprocal"), "its input must lie in -0..inf, where it is a number, and reaches -"),
    "square": (plain("Pow", 2.0), "its input must lie in 0..1e+150, where it is a number, and reaches -"),
    "times itself": (squared, "its input must lie in 0..1e+150, where it is a number, and reaches -"),
    "exp": (lambda c: c.add("Mul", 1e4).add("Exp"), "its input must lie in -inf..709, where it is a number"),
    "exponent": (plain("Pow", 1.5), "its exponent must be 1, 2, 3, 0.5 or -1, not 1.5"),
    "exponents": (plain("Pow", np.float32([1, 2, 1, 2, 1])), "its exponent must be a single value, not of shape (5,)"),
    "alpha": (plain("ThresholdedRelu", alpha=-0.5), "its alpha must not be negative, since it then is not monotone"),
    "lambd": (plain("Shrink", lambd=-0.5), "its lambd must not be negative, and its bias at most its lambd, since it"),
    "bias": (plain("Shrink", lambd=0.25, bias=0.5), "its lambd must not be negative, and its bias at most its lambd"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path: Path, name: str) -> None:
    step, reason = REFUSED[name]
    proto = step(product(Chain(9))).quant(3).end(5, flat=True)
    with pytest.raises(UnsupportedError, match=rf"node \d+ of \d+: \w+ '\w+': {re.escape(reason)}"):
        read_model(write(proto, tmp_path / "m.onnx"), input_scale=1)


@pytest.mark.parametrize("kind, rises", [("Exp", True), ("Sinh", True), ("Atan", True), ("Neg", False)])
def test_at_the_end(tmp_path: Path, kind: str, rises: bool) -> None:
    """What rises changes no class and is left out; scores that are negated are."""

    def ended(more: Step | None) -> onnx.ModelProto:
        chain = product(Chain(9, seed=5)).quant(3, 0.5)
        chain.add("MatMul", chain.random.choice([-1, 1], (5, 3)).astype(np.float32)).add("Mul", 0.25)
        chain = chain if more is None else more(chain)
        return chain.model()

    networks = []
    for number, proto in enumerate((ended(plain(kind)), ended(None if rises else plain("Mul", -1.0)))):
        path = write(proto, tmp_path / f"{number}.onnx")
        networks.append(streamline(read_model(path, input_scale=1).network).network)
    assert networks[0].layers == networks[1].layers


@pytest.mark.parametrize("kind", ["Mul", "Pow"])
def test_an_operand_that_is_missing(tmp_path: Path, kind: str) -> None:
    proto = product(Chain(9)).add(kind).quant(3).end(5, flat=True)
    with pytest.raises(
        UnsupportedError, match=rf"node 5 of 8: {kind} 't4_node': its \w+( input)? must be a constant, not n"
    ):
        read_model(write(proto, tmp_path / "m.onnx"), input_scale=1)
