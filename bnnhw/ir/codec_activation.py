"""How the network file (:mod:`bnnhw.ir.archive`) holds activations, floating-point steps and thresholds.

Thresholds are their type in the header and the array ``LAYER.thresholds`` (rows x levels). A step is
``{"kind": "scale"}`` in the header, and its parameters are arrays named after the step's position:
``LAYER.steps.0.factor``. A quantizer is its type in the header and the arrays ``LAYER.bounds`` and
``LAYER.strict``. Version 1 of the file had one batch norm in the place of the steps, with arrays ``LAYER.gamma``
and so on, and the sign as the only quantizer; it is read as that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, assert_never

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError
from bnnhw.ir.activation import Activation, FloatActivation, Thresholds, batch_norm_sign
from bnnhw.ir.header import field
from bnnhw.ir.steps import (
    BatchNorm,
    Clip,
    Curve,
    Divide,
    Gap,
    PRelu,
    Quantizer,
    Relu,
    Scale,
    Shift,
    Staircase,
    Step,
)
from bnnhw.ir.types import DataType

__all__ = ["Arrays", "Take", "describe_activation", "describe_steps", "read_activation", "read_step", "read_steps"]

Arrays: TypeAlias = dict[str, NDArray[Any]]

Take: TypeAlias = Callable[[str, str, tuple[int | None, ...]], NDArray[Any]]
"""Gives an array by name, checked for its type and shape."""

_KINDS: dict[str, tuple[type[Step], tuple[str, ...], dict[str, type]]] = {
    "scale": (Scale, ("factor",), {}),
    "divide": (Divide, ("divisor",), {}),
    "shift": (Shift, ("offset",), {}),
    "batch_norm": (BatchNorm, ("gamma", "beta", "mean", "var"), {"eps": float}),
    "relu": (Relu, (), {}),
    "prelu": (PRelu, ("slope",), {}),
    "clip": (Clip, ("low", "high"), {}),
    "gap": (Gap, ("low", "high", "below", "above"), {}),
    "curve": (Curve, (), {"name": str}),
    "staircase": (Staircase, (), {"name": str}),
}
"""Name in the header -> class, the names of its arrays, and what else stands in the header."""

MAX_STEPS = 1000
"""Most steps of one layer."""


def describe_steps(steps: tuple[Step, ...], prefix: str, arrays: Arrays) -> list[dict[str, Any]]:
    """The header's entry; the arrays go into ``arrays``."""
    entries: list[dict[str, Any]] = []
    for i, step in enumerate(steps):
        kind = next(kind for kind, (cls, _, _) in _KINDS.items() if isinstance(step, cls))
        _, names, others = _KINDS[kind]
        for name in names:
            arrays[f"{prefix}.steps.{i}.{name}"] = getattr(step, name).astype("<f8")
        entries.append({"kind": kind, **{name: number(getattr(step, name)) for name, number in others.items()}})
    return entries


def describe_activation(activation: Activation, prefix: str, arrays: Arrays) -> dict[str, Any]:
    """The header's entry; the arrays go into ``arrays``."""
    match activation:
        case FloatActivation():
            arrays[f"{prefix}.bounds"] = activation.quantizer.bounds.astype("<f8")
            arrays[f"{prefix}.strict"] = activation.quantizer.strict.astype("|u1")
            steps = describe_steps(activation.steps, prefix, arrays)
            return {"kind": "float", "dtype": str(activation.dtype), "steps": steps}
        case Thresholds():
            arrays[f"{prefix}.thresholds"] = activation.values.astype("<i8")
            return {"kind": "thresholds", "dtype": str(activation.dtype)}
        case _:
            assert_never(activation)


def read_step(where: str, kind: str, spec: dict[str, Any], take: Take, prefix: str, neurons: int) -> Step:
    """A step whose arrays are named ``PREFIX.factor`` and so on."""
    cls, names, others = _KINDS[kind]
    arrays = {name: take(f"{prefix}.{name}", "<f8", (neurons,)) for name in names}
    for name, what in others.items():
        if not isinstance(spec.get(name), what):
            raise FileError(f"header: {where}: {name!r} must be of type {what.__name__}, not {spec.get(name)!r:.60}")
    make: Callable[..., Step] = cls
    # An overflow of var + eps is for streamlining to refuse.
    with np.errstate(over="ignore"):
        return make(**arrays, **{name: spec[name] for name in others})


def read_steps(where: str, entries: Any, take: Take, prefix: str, neurons: int) -> tuple[Step, ...]:
    """The inverse of :func:`describe_steps`."""
    if not isinstance(entries, list) or len(entries) > MAX_STEPS:
        raise FileError(f"header: {where}: 'steps' must be a list of at most {MAX_STEPS}, not {entries!r:.60}")
    steps: list[Step] = []
    for i, entry in enumerate(entries):
        kind = entry.get("kind") if isinstance(entry, dict) else None
        if not isinstance(kind, str) or kind not in _KINDS:
            raise FileError(f"header: {where}: a step must be one of {', '.join(_KINDS)}, not {entry!r:.60}")
        steps.append(read_step(where, kind, entry, take, f"{prefix}.steps.{i}", neurons))
    return tuple(steps)


def read_activation(where: str, spec: Any, take: Take, prefix: str, neurons: int) -> Activation:
    """The inverse of :func:`describe_activation`."""
    kind = field(where, spec, "kind", str)
    if kind == "batch_norm_sign":
        norm = read_step(where, "batch_norm", spec, take, prefix, neurons)
        assert isinstance(norm, BatchNorm)
        return batch_norm_sign(norm)
    if kind == "float":
        return _read_float(where, spec, take, prefix, neurons)
    if kind != "thresholds":
        raise FileError(f"header: {where}: activation must be thresholds or float, not {kind!r:.60}")
    dtype = DataType.parse(field(where, spec, "dtype", str))
    return Thresholds(take(f"{prefix}.thresholds", "<i8", (neurons, dtype.levels - 1)), dtype)


def _read_float(where: str, spec: dict[str, Any], take: Take, prefix: str, neurons: int) -> FloatActivation:
    dtype = DataType.parse(field(where, spec, "dtype", str))
    bounds = take(f"{prefix}.bounds", "<f8", (neurons, dtype.levels - 1))
    strict = take(f"{prefix}.strict", "|u1", (dtype.levels - 1,))
    if (strict > 1).any():
        raise FileError(f"array {f'{prefix}.strict'!r} must be of 0 and 1")
    steps = read_steps(where, spec.get("steps"), take, prefix, neurons)
    return FloatActivation(steps, Quantizer(dtype, bounds, strict.astype(np.bool_)))
