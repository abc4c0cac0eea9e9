"""Types of elements, over every code and value of the narrow ones; the narrowest integer that holds a range."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.errors import NetworkError
from bnnhw.ir import DataType, InputSpec
from bnnhw.ir.types import MAX_BITS, MAX_PLANES, narrowest

RANGES = {
    "bipolar": (-1, 1),
    "uint1": (0, 1),
    "uint3": (0, 7),
    "uint8": (0, 255),
    "int2": (-2, 1),
    "int4": (-8, 7),
    "int8": (-128, 127),
    "int11": (-1024, 1023),
}


def test_narrowest() -> None:
    """The narrowest integer that holds a range: no bit more than needed, over every small range."""
    for low in range(-20, 20):
        for high in range(max(low, 0), 20):
            width, signed = narrowest(low, high)

            def holds(bits: int, low: int = low, high: int = high, signed: bool = signed) -> bool:
                least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
                return least <= low and high <= most

            assert signed == (low < 0)
            assert holds(width)
            # Two's complement has two bits at least: DataType knows no int1.
            assert width == 1 + signed or not holds(width - 1)
            assert DataType.holding(low, high) == DataType("int" if signed else "uint", width)


@pytest.mark.parametrize("text", RANGES)
def test_codes_and_values(text: str) -> None:
    """Codes are bit patterns, levels count the values from the least one on."""
    dtype = DataType.parse(text)
    low, high = RANGES[text]
    numbers = [-1, 1] if text == "bipolar" else list(range(low, high + 1))
    assert str(dtype) == text
    assert (dtype.minimum, dtype.maximum, dtype.levels) == (low, high, len(numbers))
    assert [value for value in range(low - 3, high + 4) if dtype.holds(value)] == numbers
    codes = dtype.codes(np.arange(dtype.levels))
    assert dtype.values(codes).tolist() == numbers
    assert sorted(codes.tolist()) == list(range(dtype.levels))
    assert dtype.encode(np.array(numbers)).tolist() == codes.tolist()
    assert codes.dtype == dtype.code_dtype
    if text != "bipolar":
        for code, value in zip(codes.tolist(), numbers, strict=True):
            assert sum(c * (code >> b & 1) for b, c in enumerate(dtype.coefficients)) == value
            assert code == value & (1 << dtype.bits) - 1


@pytest.mark.parametrize(
    ("bits", "code"), [(1, np.uint8), (8, np.uint8), (9, np.uint16), (16, np.uint16), (17, np.uint32)]
)
def test_type_of_codes(bits: int, code: type[np.unsignedinteger]) -> None:
    assert DataType("uint", bits).code_dtype == code


@pytest.mark.parametrize(
    ("kind", "bits"), [("bipolar", 1), ("uint", 1), ("uint", MAX_BITS), ("int", 2), ("int", MAX_BITS)]
)
def test_least_and_greatest_widths(kind: str, bits: int) -> None:
    assert DataType(kind, bits).bits == bits


@pytest.mark.parametrize(
    ("kind", "bits", "message"),
    [
        ("bipolar", 2, "bipolar must have 1 to 1 bits, not 2"),
        ("uint", 0, "uint must have 1 to 32 bits, not 0"),
        ("uint", 33, "uint must have 1 to 32 bits, not 33"),
        ("int", 1, "int must have 2 to 32 bits, not 1"),
        ("int", 33, "int must have 2 to 32 bits, not 33"),
        ("float", 8, "must be bipolar, uint or int, not 'float'"),
    ],
)
def test_impossible_types(kind: str, bits: int, message: str) -> None:
    with pytest.raises(NetworkError, match=f"{message}$"):
        DataType(kind, bits)


@pytest.mark.parametrize("text", ["", "uint", "4", "float8", "uint123", "int-4", "bipolar1", "uint4x"])
def test_impossible_words(text: str) -> None:
    with pytest.raises(NetworkError, match="must be bipolar, uintN or intN"):
        DataType.parse(text)


def test_results_that_fit_no_type() -> None:
    assert DataType.emitted("sum", -(1 << 31), (1 << 31) - 1) == DataType("int", 32)
    assert DataType.emitted("sum", 0, (1 << 32) - 1) == DataType("uint", 32)
    with pytest.raises(NetworkError, match=r"^layer sum: results must fit 32 bits, not -1\.\.2147483648$"):
        DataType.emitted("sum", -1, 1 << 31)


def test_input_widths() -> None:
    assert InputSpec((3,), DataType("uint", MAX_PLANES)).elements == 3
    with pytest.raises(NetworkError, match=f"at most {MAX_PLANES} bits, not {MAX_PLANES + 1}"):
        InputSpec((3,), DataType("uint", MAX_PLANES + 1))


@pytest.mark.parametrize(("shape", "map_", "elements"), [((5,), (5, 1, 1), 5), ((3, 4, 5), (3, 4, 5), 60)])
def test_input_shapes(shape: tuple[int, ...], map_: tuple[int, int, int], elements: int) -> None:
    spec = InputSpec(shape, DataType("uint", 2))
    assert (spec.map, spec.elements) == (map_, elements)


@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (1, 2, 0), (1, 1, 1, 1)])
def test_impossible_input_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(NetworkError, match="shape must be"):
        InputSpec(shape, DataType("uint", 2))
