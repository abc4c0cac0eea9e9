"""What a ``forward`` does that has no export is refused by name, with what to do instead."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bnnhw.training import BinaryLinear
from bnnhw.training.export import to_onnx


class Calls(nn.Module):
    """A model that does something to the samples."""

    def __init__(self, call: Callable[..., Tensor]) -> None:
        super().__init__()
        self.call = call
        self.factor = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self, x)


def _by_value(model: nn.Module, x: Tensor) -> Tensor:
    return x if x.sum() > 0 else -x


KNOWN = "use a module of bnnhw.training, +, -, or one of add, contiguous, flatten, reshape, size, sub, view"
REFUSED: dict[str, tuple[Callable[..., Tensor], str]] = {
    "a module of the moment": (
        lambda model, x: nn.ReLU()(x),
        "forward of Calls must call the same layers for all samples, and can't be followed: module is not installed as "
        "a submodule",
    ),
    "a function": (
        lambda model, x: torch.tanh(x),
        f"call must be one that can be exported, not tanh: {KNOWN}",
    ),
    "a method": (
        lambda model, x: x.clamp(0, 1),
        f"call must be one that can be exported, not clamp: {KNOWN}",
    ),
    "a number": (
        lambda model, x: x + 1,
        "add must be of two tensors of one shape to be exported, not of a tensor of (2, 4, 6) and 1: numbers that are "
        "added belong into a BatchNorm",
    ),
    "shapes": (
        lambda model, x: x - x.flatten(1),
        "sub must be of two tensors of one shape to be exported, not of a tensor of (2, 4, 6) and a tensor of (48,): "
        "numbers that are added belong into a BatchNorm",
    ),
    "a factor": (
        lambda model, x: x * 2,
        "factors must be those of a BatchNorm to be exported: a tensor is not multiplied",
    ),
    "a parameter": (
        lambda model, x: x + model.factor,
        "parameter must be one of a module to be exported, not factor itself",
    ),
    "an element": (lambda model, x: x[:, 0], "a tensor must not be indexed to be exported"),
    "an attribute": (
        lambda model, x: x.T,
        "forward must ask a tensor for its shape alone to be exported, not for 'T'",
    ),
    "a size": (lambda model, x: x.view(-1, x.shape[7]), "call of getitem can't be exported: tuple index out of range"),
    "frames flattened": (
        lambda model, x: x.flatten(),
        "flatten must begin behind the frames to be exported: flatten(1), not flatten(0)",
    ),
    "frames moved": (
        lambda model, x: x.view(2, x.shape[0], 24),
        "view and reshape must keep the frames first, and 48 elements of each, to be exported, not (2, frames, 24): "
        "give x.shape[0] or -1 for the frames",
    ),
    "frames counted": (
        lambda model, x: x.view(-1, 47),
        "view and reshape must keep the frames first, and 48 elements of each, to be exported, not (-1, 47): give "
        "x.shape[0] or -1 for the frames",
    ),
    "a padded average": (
        lambda model, x: nn.functional.avg_pool2d(x, 3, padding=1),
        "avg_pool2d must have no padding, no ceil_mode and no divisor_override to be exported",
    ),
    "two tensors": (lambda model, x: (x, x), "forward of Calls must give one tensor of scores"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_export_is_named(name: str) -> None:
    call, message = REFUSED[name]
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        to_onnx(Calls(call), (2, 4, 6), {})


def test_a_forward_that_depends_on_values_is_refused() -> None:
    message = r"^forward of Calls must call the same layers for all samples, and can't be followed: symbolically traced"
    with pytest.raises(TypeError, match=message):
        to_onnx(Calls(_by_value), (2, 4, 6), {})


def test_a_forward_of_two_inputs_is_refused() -> None:
    class Pair(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x + y

    with pytest.raises(TypeError, match=r"^forward of Pair must take samples alone, not 2 arguments$"):
        to_onnx(Pair(), (4,), {})


def test_modules_that_take_other_shapes_or_tensors() -> None:
    message = "module must come behind a Flatten, not before it, where a sample is (2, 4, 6)"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        to_onnx(nn.Sequential(BinaryLinear(6, 3)), (2, 4, 6), {})
    with pytest.raises(TypeError, match=r"^module must be a layer that can be exported, not Linear$"):
        to_onnx(nn.Sequential(nn.Linear(4, 3)), (4,), {})
