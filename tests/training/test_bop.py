from __future__ import annotations

import pytest
import torch
from torch import nn

from bnnhw.training.bop import Bop, binary_parameters, other_parameters
from bnnhw.training.conv import BinaryConv2d
from bnnhw.training.estimators import Identity
from bnnhw.training.layers import BatchNorm, BinaryLinear


def test_two_steps_by_hand() -> None:
    weights = nn.Parameter(torch.tensor([0.3, -0.2, 0.0, 0.7]))
    optimizer = Bop([weights], adaptivity=0.5, threshold=0.25)
    assert weights.tolist() == [1, -1, 1, 1]
    weights.grad = torch.tensor([1.0, 1.0, -4.0, 0.5])
    optimizer.step()
    # m = 0.5, 0.5, -2, 0.25: only the first passes 0.25 with the sign of its weight; the last is equal to it.
    assert weights.tolist() == [-1, -1, 1, 1]
    weights.grad = torch.tensor([0.0, -3.0, 0.0, 1.0])
    optimizer.step()
    # m = 0.25, -1.25, -1, 0.625.
    assert weights.tolist() == [-1, 1, 1, -1]


def test_it_finds_the_weights_of_a_teacher() -> None:
    generator = torch.Generator().manual_seed(0)
    teacher, student = BinaryLinear(15, 4, generator), BinaryLinear(15, 4, generator)
    student.estimator = Identity()
    optimizer = Bop(student.parameters(), adaptivity=0.1, threshold=1e-3)
    for _ in range(200):
        x = torch.where(torch.rand(64, 15, generator=generator) < 0.5, -1.0, 1.0)
        optimizer.zero_grad()
        (student(x) - teacher(x).detach()).square().mean().backward()
        optimizer.step()
    assert torch.equal(student.signs, teacher.signs)


def test_parameters_are_told_apart() -> None:
    model = nn.Sequential(BinaryConv2d(1, 2, 3), BatchNorm(2), nn.Flatten(), BinaryLinear(2, 3), BatchNorm(3))
    assert [p.shape for p in binary_parameters(model)] == [(2, 1, 3, 3), (3, 2)]
    assert [p.shape for p in other_parameters(model)] == [(2,), (2,), (3,), (3,)]


def test_bop_refuses() -> None:
    weights = nn.Parameter(torch.zeros(1))
    with pytest.raises(ValueError, match=r"^adaptivity must be in 0\.\.1, 0 excluded, not 0$"):
        Bop([weights], adaptivity=0)
    with pytest.raises(ValueError, match=r"^threshold must not be negative, not -1$"):
        Bop([weights], threshold=-1)
