"""Numbers and types as words."""

from __future__ import annotations

from fractions import Fraction

import pytest

from bnnhw.frontend.onnx.numbers import integer_type, offsets, scales


@pytest.mark.parametrize("text, numbers", [
    ("1/255", "1/255"), ("0.5", "1/2"), ("1, 2.25 ,3/040", "1 9/4 3/40"), ("-0.5,7", "-1/2 7"), ("-1/2", "-1/2"),
])  # fmt: skip
def test_numbers(text: str, numbers: str) -> None:
    due = tuple(map(Fraction, numbers.split()))
    assert offsets(text) == due
    if min(due) > 0:
        assert scales(text) == due


@pytest.mark.parametrize("text", ["", "x", "1/0", "1e3", "1,", "1;2", ".5", "1/2/3", "nan"])
def test_what_is_no_number(text: str) -> None:
    several = ", or one per channel, separated by commas" if "," in text else ""
    with pytest.raises(ValueError) as caught:
        offsets(text)
    assert str(caught.value) == f"must be a number, such as -1 or 0.5{several}, not {text!r}"
    with pytest.raises(ValueError) as caught:
        scales(text)
    assert str(caught.value) == f"must be a positive number, such as 1/255 or 0.5{several}, not {text!r}"


def test_scales_are_positive() -> None:
    for text in ("0", "-1", "1,0"):
        with pytest.raises(ValueError, match=r"^must be a positive number"):
            scales(text)
    assert offsets("0") == (0,)


@pytest.mark.parametrize("text, name", [
    ("int8", "int8"), (" UINT4 ", "uint4"), ("Binary", "uint1"), ("ternary", "int2"), ("bool", "uint1"),
    ("BIPOLAR", "bipolar"), ("uint8", "uint8"), ("int2", "int2"),
])  # fmt: skip
def test_types(text: str, name: str) -> None:
    assert str(integer_type(text)) == name


@pytest.mark.parametrize("text", ["uint9", "int1", "float32", "", "int"])
def test_what_is_no_type(text: str) -> None:
    message = f"^must be bipolar, uint1 to uint8 or int2 to int8, such as int8, not '{text}'$"
    with pytest.raises(ValueError, match=message):
        integer_type(text)
