"""What Keras' configurations of layers say: quantizers, pairs of sizes, padding."""

from __future__ import annotations

from typing import Any

from bnnhw.errors import FileError, UnsupportedError

__all__ = ["pair", "quantizer", "same"]

_SIGNS = {
    "ste_sign": "sign", "SteSign": "sign", "approx_sign": "sign", "ApproxSign": "sign",
    "swish_sign": "sign", "SwishSign": "sign",
    "magnitude_aware_sign": "scaled", "MagnitudeAwareSign": "scaled",
}  # fmt: skip
"""Larq's quantizers of one bit by alias and class; ``"scaled"``: times the mean of |w| of each output (Liu et al.,
"Bi-Real Net", 2018, section 3.3)."""


def quantizer(name: str, option: str, value: object) -> str | None:
    """``"sign"``, ``"scaled"`` or None, of a quantizer's alias or Keras configuration."""
    if isinstance(value, dict):
        value = value.get("class_name", value)
    if value is None:
        return None
    kind = _SIGNS.get(str(value).rpartition(">")[2])
    if kind is None:
        known = ", ".join(alias for alias in _SIGNS if alias.islower())
        raise UnsupportedError(f"layer {name}: {option} must be one of {known}, not {value!r:.60}")
    return kind


def pair(name: str, config: dict[str, Any], option: str) -> tuple[int, int]:
    value = config.get(option, 1)
    value = [value, value] if type(value) is int else value
    if not isinstance(value, list) or len(value) != 2 or not all(type(v) is int and 0 < v < 1 << 20 for v in value):
        raise FileError(f"layer {name}: {option} must be two positive numbers, not {value!r:.60}")
    return value[0], value[1]


def same(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """What TensorFlow's ``same`` padding puts before and after: the odd one after."""
    surplus = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return surplus // 2, surplus - surplus // 2
