"""Where a data set meets a network: ranges, shapes and classes that do not go together are said, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw import datasets
from bnnhw.flow.evaluate import encode
from bnnhw.flow.samples import suit
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Network, Output, WeightPlane, archive
from tests.cli.conftest import make_network, run


def network(spec: InputSpec, classes: int = 10) -> Network:
    bits = BitMatrix.from_bits(np.random.default_rng(0).integers(0, 2, (classes, spec.elements)))
    last = Dense("last", spec.dtype, (WeightPlane(1, bits),), None)
    return Network(spec, (last, Output.plain("output", classes)))


def even(bits: int, low: float, high: float, signed: bool = False) -> InputSpec:
    """Levels that part a range evenly."""
    dtype = DataType("int" if signed else "uint", bits)
    return InputSpec((4,), dtype, tuple(np.linspace(low, high, dtype.levels + 1)[1:-1].tolist()))


def bytes_(random: np.random.Generator) -> np.ndarray:
    return random.integers(0, 256, (100, 4)).astype(np.uint8)


def dark(random: np.random.Generator) -> np.ndarray:
    """Bytes, most of them 0, as of handwriting."""
    return np.where(random.random((100, 4)) < 0.8, 0, random.integers(0, 256, (100, 4)))


def fractions(random: np.random.Generator) -> np.ndarray:
    return random.random((100, 4))


def signed(random: np.random.Generator) -> np.ndarray:
    return random.uniform(-1, 1, (100, 4))


def bits(random: np.random.Generator) -> np.ndarray:
    return random.integers(0, 2, (100, 4))


LISTED = "the network takes samples of 2 x 2 x 3, and data set mine has lists of 12: they are read in this order"
TURNED = (
    "the network takes samples of 3 x 4 x 2: those of data set mine, 2 x 3 x 4, are turned to have their channels last"
)

APART: dict[str, tuple[InputSpec, Callable[[np.random.Generator], np.ndarray], str, str]] = {
    "bytes into fractions": (even(8, 0, 1), bytes_, "0 to 255", "thresholds from 0.00390625 to 0.996094"),
    "dark bytes into fractions": (even(8, 0, 1), dark, "0 to 255", "thresholds from 0.00390625 to 0.996094"),
    "bytes into 2 bits of fractions": (even(2, 0, 1), bytes_, "0 to 255", "thresholds from 0.25 to 0.75"),
    "bytes into one bit of fractions": (even(1, 0, 1), bytes_, "0 to 255", "thresholds from 0.5 to 0.5"),
    "fractions into bytes": (even(8, 0, 255), fractions, "0", "thresholds from 0.996094 to 254.004"),
    "fractions into 2 bits of bytes": (even(2, 0, 255), fractions, "0", "thresholds from 63.75 to 191.25"),
    "fractions into one bit of bytes": (even(1, 0, 255), fractions, "0", "thresholds from 127.5 to 127.5"),
    "bytes into signed": (even(8, -128, 128, True), bytes_, "0 to 255", "thresholds from -127 to 127"),
    "dark bytes into signed": (even(8, -128, 128, True), dark, "0 to 255", "thresholds from -127 to 127"),
    "bytes into -1..1": (even(8, -1, 1, True), bytes_, "0 to 255", "thresholds from -0.992188 to 0.992188"),
    "bytes into the sign": (even(1, -1, 1), bytes_, "0 to 255", "thresholds from 0 to 0"),
    "signed into bytes": (even(8, 0, 255), signed, "-", "thresholds from 0.996094 to 254.004"),
    "signed into fractions": (even(4, 0, 1), signed, "-", "thresholds from 0.0625 to 0.9375"),
    "bits into uint8": (InputSpec((4,), DataType("uint", 8)), bits, "0 to 1", "integers, uint8"),
}  # fmt: skip


@pytest.mark.parametrize("name", APART)
def test_ranges_that_do_not_meet(name: str) -> None:
    spec, draw, samples, thresholds = APART[name]
    drawn = draw(np.random.default_rng(0))
    drawn.flat[:2] = [drawn.min(), 255] if drawn.max() > 1 else drawn.flat[:2]
    (warning,) = suit(network(spec), drawn, 10, "mine").warnings
    assert warning.startswith(f"the samples of data set mine go from {samples}")
    assert f", and the network's input has {thresholds}: they do not meet; say what the model takes with " in warning


@pytest.mark.parametrize(
    "spec, draw",
    [
        (even(8, 0, 256), bytes_),
        (even(8, 0, 256), dark),
        (even(2, 0, 255), dark),
        (even(1, 0, 255), dark),
        (even(8, 0, 1), fractions),
        # Brevitas' 8 bits are signed, and fractions are half of them.
        (even(8, -1, 1, True), fractions),
        (even(8, -1, 1, True), signed),
        (even(3, -1, 1, True), signed),
        (even(1, -1, 1), signed),
        (even(1, 0, 1), bits),
        (InputSpec((4,), DataType("uint", 1), (1.0,)), bits),
        (InputSpec((4,), DataType("uint", 1)), bits),
        # Learned thresholds lie where samples differ.
        (InputSpec((4,), DataType("uint", 2), (10.0, 50.0, 100.0)), dark),
        (InputSpec((4,), DataType("uint", 3), (5.0, 20.0, 40.0, 80.0, 120.0, 160.0, 210.0)), dark),
    ],
)  # fmt: skip
def test_ranges_that_meet(spec: InputSpec, draw: Callable[[np.random.Generator], np.ndarray]) -> None:
    assert suit(network(spec), draw(np.random.default_rng(0)), 10, "mine").warnings == ()


def test_ranges_by_feature() -> None:
    """Each by its own thresholds; one that is the same in all frames says nothing, and one of many is no rule."""
    rows = tuple(tuple((np.arange(1, 8) * scale).tolist()) for scale in (1.0, 100.0, 0.01, 1.0))
    spec = InputSpec((4,), DataType("uint", 3), rows)
    random = np.random.default_rng(0)
    fit = random.uniform(0, 8, (100, 4)) * [1, 100, 0.01, 0]
    assert suit(network(spec), fit, 10, "mine").warnings == ()
    assert suit(network(spec), fit * [1, 1, 1000, 1], 10, "mine").warnings == ()
    (warning,) = suit(network(spec), fit * [1, 0.001, 1000, 1], 10, "mine").warnings
    assert warning.startswith("the samples of element 1 of data set mine go from 0.0")
    assert "thresholds from 100 to 700" in warning


@pytest.mark.parametrize(
    "shape, layout, given, message",
    [
        ((4,), "chw", (4,), None),
        ((1, 4, 2), "chw", (8,), None),
        ((8,), "chw", (2, 2, 2), None),
        ((1, 4, 2), "chw", (1, 4, 2), None),
        ((4, 1, 2), "chw", (4, 2), None),
        ((2, 2, 3), "chw", (12,), LISTED),
        ((2, 3, 4), "hwc", (2, 3, 4), None),
        ((3, 4, 2), "chw", (2, 3, 4), TURNED),
    ],
)  # fmt: skip
def test_shapes(shape: tuple[int, ...], layout: str, given: tuple[int, ...], message: str | None) -> None:
    spec = InputSpec(shape, DataType("uint", 4), layout=layout)
    samples = np.random.default_rng(0).integers(0, 16, (20, *given))
    found = suit(network(spec), samples, 10, "mine")
    assert found.warnings == (() if message is None else (message,))
    codes = encode(network(spec), found.samples)
    if layout == "hwc":
        # The data set's maps are channels first, and so is the order in which elements enter, channel fastest.
        assert np.array_equal(codes, samples.transpose(0, 2, 3, 1).reshape(20, -1))
    elif message is not None and "turned" in message:
        assert np.array_equal(codes, InputSpec(shape, DataType("uint", 4)).encode(samples.transpose(0, 2, 3, 1)))


def test_other_shapes(refused: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "n.bnn"
    archive.save(network(InputSpec((2, 4, 4), DataType("uint", 4))), path)
    assert refused(2, "evaluate", path, "--dataset", "digits") == (
        "data set digits must have 32 elements per frame for this network, not 64: it takes samples of 2 x 4 x 4, the "
        "data set has 64"
    )


@pytest.mark.parametrize(
    "classes, warning",
    [
        (10, None),
        (12, "the network has 12 classes, and data set digits has 10: no frame is of its others"),
        (7, "the network has 7 classes, and data set digits has 10: it is wrong about every frame of the others"),
        (
            1,
            "the network has 1 output, which decides between 2 classes, and data set digits has 10: it is wrong about "
            "every frame of the others",
        ),
    ],
)  # fmt: skip
def test_classes(tmp_path: Path, classes: int, warning: str | None) -> None:
    path = tmp_path / "n.bnn"
    archive.save(make_network((64, 12, classes)), path)
    result = run("evaluate", path, "--dataset", "digits", "--count", "20", "--json")
    data: dict[str, Any] = json.loads(result.stdout)
    assert data["warnings"] == ([] if warning is None else [warning])
    said = [line for line in result.stderr.splitlines() if "warning" in line]
    assert said == ([] if warning is None else [f"bnnhw: warning: {warning}"])


def test_one_output_decides_between_two_classes() -> None:
    assert suit(network(even(8, 0, 256), 1), bytes_(np.random.default_rng(0)), 2, "mine").warnings == ()


def test_our_own_models_meet_their_data(root: Path) -> None:
    from bnnhw.flow.import_ import import_model

    model = import_model(root / "models" / "digits.onnx").network
    samples, _ = datasets.load_split("digits", "test")
    assert suit(model, samples, 10, "digits").warnings == ()
