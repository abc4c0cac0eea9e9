"""Limits of what is read: as much as the error says is taken, and one more is not."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import BnnhwError, FileError
from bnnhw.frontend import formats, read_model
from bnnhw.frontend.bnn_pynq import files, folder
from bnnhw.frontend.onnx import convert as convert_module
from bnnhw.frontend.onnx import samples
from bnnhw.frontend.onnx.branches import add_branches
from bnnhw.frontend.onnx.nodes import quant
from bnnhw.frontend.onnx.numbers import scales
from bnnhw.frontend.onnx.raw import Samples
from bnnhw.frontend.onnx.streams import alike
from bnnhw.frontend.onnx.values import Constant, Integers, Weights
from bnnhw.ir import Affine, DataType, Scale
from tests.frontend.calls import call, constant, convert, elements
from tests.frontend.models import model, parts, write

UINT2 = DataType("uint", 2)


def raw(size: int) -> Samples:
    return Samples((size,), np.arange(size, dtype=np.int32), np.zeros(size, np.int64))


def groups(number: int) -> object:
    return samples.parted(call("Mul"), raw(number), np.arange(number))


def scaled(first: int, second: int) -> Integers:
    return Integers(elements("uint2", (2, 1, 1)), (Scale(np.array([first, second], np.float64)),))


def branches(multiplier: int) -> object:
    """One of them behind a layer, so that they are two."""
    given = scaled(multiplier, multiplier)
    layer = Affine("a", (2, 1, 1), UINT2, np.array([1, 1]), np.array([1, 1]))
    other = Integers(elements("uint2", (2, 1, 1)))
    return add_branches(call("Add"), given, Integers(_behind(other, layer)))


def _behind(value: Integers, layer: Affine) -> object:  # type: ignore[misc]
    from dataclasses import replace

    return replace(value.elements, layers=(layer,), dtype=layer.output)


def pool(kernel: int) -> object:
    given = elements("uint1", (1, 1025, 1025))
    return convert("QuantAvgPool2d", given, kernel=1, stride=kernel, ibits=1, obits=1)


def trunc(bits: int) -> object:
    numbers = (constant(float(n), np.float64) for n in (1, 0, bits, bits))
    return convert("Trunc", elements("uint2"), *numbers)


LIMITS: dict[str, tuple[Callable[[int], object], int, str]] = {
    "groups of samples": (groups, 65536, "it must treat samples in at most 65536 ways, not in 65537"),
    "scales of weights": (
        lambda n: convert("BipolarQuant", constant(np.ones((1, n))), constant(np.ones(n))), 65536,
        "its scale must have at most 65536 values, not 65537",
    ),
    "multiples of channels": (
        lambda n: alike(call("Conv"), "input", scaled(1, n)), 65536, "whose scales, 1.0 to 65537.0, are no small mult"
    ),
    "multiples of branches": (branches, 65536, "scales in channel 0 must be at most 65536 times a common divisor"),
    "strides": (pool, 1024, "its kernel, stride, ibits and obits must be in 1..1024, not 1, 1025, 1 and 1"),
    "bits of a truncation": (trunc, 32, "its input bitwidth must be a whole number in 1..32, not 33"),
    "dimensions": (
        lambda n: convert("Unsqueeze", elements(), constant(range(1, n - 3), np.int64)), 8, "at most 8 dimensions"
    ),
    "dimensions of weights": (
        lambda n: convert("Reshape", Weights(np.ones((2, 2), np.int16), np.ones((1, 1))),
                          constant([4] + [1] * (n - 1), np.int64)),
        8, "its shape must be a list of at most 8 integers",
    ),
    "axes": (
        lambda n: convert("Squeeze", elements("uint2", (1, 1, 1)), constant([1] * n, np.int64)),
        8, "its axes must be at most 8 integers",
    ),
    "numbers in a list": (lambda n: scales(",".join(["1"] * n)), 4096, "must be a positive number"),
    "the size of a constant": (
        lambda n: convert_folded("ConstantOfShape", constant([n], np.int64)), 1 << 20,
        "a constant that it makes must have at most 1048576 values, not 1048577",
    ),
}  # fmt: skip


def convert_folded(kind: str, *inputs: Constant) -> object:
    from bnnhw.frontend.onnx.fold import fold

    return fold(call(kind, *inputs))


@pytest.mark.parametrize("name", LIMITS)
def test_one_too_many(name: str) -> None:
    build, most, message = LIMITS[name]
    if name not in ("axes",):
        build(most)
    with pytest.raises((BnnhwError, ValueError)) as caught:
        build(most + 1)
    assert message in str(caught.value)


def test_thresholds_of_all_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    def quantized(levels: int) -> object:
        rows, one = [[Fraction(n) for n in range(min(levels, 7))]], [Fraction(1)]
        dtype = DataType("uint", 3)
        return samples.quantize_samples(call("Quant"), raw(2), dtype, 0, rows, [False] * levels, one, one)

    with pytest.raises(BnnhwError, match="at most 1048576 thresholds, not 1048577 in 1 ways"):
        quantized((1 << 20) + 1)
    monkeypatch.setattr(samples, "MAX_THRESHOLDS", 6)
    quantized(6)
    with pytest.raises(BnnhwError, match="at most 6 thresholds, not 7 in 1 ways"):
        quantized(7)


def test_constants_that_are_quantized(monkeypatch: pytest.MonkeyPatch) -> None:
    def quantized(number: int) -> object:
        return convert("Quant", constant(np.ones(number)), constant(1.0), constant(0.0), constant(8.0))

    with pytest.raises(BnnhwError, match="its input must have at most 65536 values, not 65537"):
        quantized(65537)
    monkeypatch.setattr(quant, "MAX_CONSTANT", 3)
    quantized(3)
    with pytest.raises(BnnhwError, match="its input must have at most 3 values, not 4"):
        quantized(4)


def test_weights_of_15_bits() -> None:
    """What is more is numbers."""
    for whole, kind in ((32767, Weights), (-32767, Weights), (32768, Constant), (-32768, Constant)):
        found = convert("DequantizeLinear", constant([[whole, 1]], np.int32), constant(0.5))
        assert isinstance(found, kind)


def test_bytes_of_a_model(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with path.open("wb") as file:
        file.truncate((1 << 29) + 1)
    with pytest.raises(FileError, match="a model must have at most 536870912 bytes, not 536870913"):
        read_model(path)
    assert formats.MAX_BYTES == 1 << 29


def test_values_of_a_parameter_folder() -> None:
    """A file of 16 MiB, 16,384 files and half a GiB in all; thresholds of 32 bits."""
    assert (files.MAX_FILE, files.MAX_FILES, files.MAX_TOTAL) == (16 << 20, 16_384, 512 << 20)
    assert folder.MAX_OUTPUT_THRESHOLD == 2_147_483_648


def test_numbers_of_all_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """1 GiB of them in float64."""
    path = write(model(*parts()), tmp_path / "m.onnx")
    for held, good in ((1 << 27, True), ((1 << 27) + 1, False)):
        numbers = iter([held - 1, 1])
        monkeypatch.setattr(convert_module, "cost", lambda _, numbers=numbers: next(numbers, 0))
        if good:
            assert len(read_model(path).network.chain) == 2
            continue
        with pytest.raises(BnnhwError, match=r"node 2 of 9: .* a model must hold at most 134217728 numbers"):
            read_model(path)


@pytest.mark.parametrize("scale, said", [
    (0, "0"), (-1.5, "-3/2"), ([], ""), ([1.0, 0.0], "1, 0"), ([Fraction(1, 2), -1], "1/2, -1"),
])  # fmt: skip
def test_scales_are_positive(tmp_path: Path, scale: object, said: str) -> None:
    path = write(model(*parts()), tmp_path / "m.onnx")
    with pytest.raises(BnnhwError, match=rf": --input-scale must be positive, not {said}$"):
        read_model(path, input_scale=scale)
