"""What is done to numbers before their quantizer, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.streams import as_integers
from bnnhw.frontend.onnx.values import Elements, Integers, Product, Samples
from bnnhw.ir.steps import Step

__all__ = ["MAX_STEPS", "add_step", "stepped"]

MAX_STEPS = 100
"""Most steps between a product and its quantizer."""

_Stepped = TypeVar("_Stepped", bound=Samples | Product | Integers)


def add_step(call: Call, product: _Stepped, *steps: Step) -> _Stepped:
    """A product, integers, or raw samples, with more steps."""
    result = replace(product, steps=(*product.steps, *steps))
    if len(result.steps) > MAX_STEPS:
        what = "samples" if isinstance(product, Samples) else "a product"
        raise call.unsupported(f"{what} must have at most {MAX_STEPS} steps before the quantizer")
    return result


def stepped(call: Call) -> Samples | Product | Integers:
    """The input: raw samples, a product, or integers, those of elements included."""
    value = call.take(0, "input", Samples, Product, Integers, Elements)
    return as_integers(call, value) if isinstance(value, Elements) else value
