from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bnnhw.errors import RequestError
from bnnhw.training.binarize import binarize
from bnnhw.training.estimators import (
    ESTIMATORS,
    Clipped,
    Estimator,
    Identity,
    Polynomial,
    Rectified,
    SwishSign,
    find_estimator,
)


def slopes(estimator: Estimator, *x: float) -> list[float]:
    return estimator(torch.tensor(x, dtype=torch.float64)).tolist()


def test_identity() -> None:
    assert slopes(Identity(), -5, 0, 0.5) == [1, 1, 1]


def test_clipped() -> None:
    assert slopes(Clipped(), -1.5, -1, 0, 0.5, 1, 1.0000001) == [0, 1, 1, 1, 1, 0]


def test_polynomial() -> None:
    # Bi-Real Net's eq. 7: 2 + 2x on [-1, 0), 2 - 2x on [0, 1), 0 elsewhere.
    assert slopes(Polynomial(), -2, -1, -0.75, 0, 0.25, 1, 3) == [0, 0, 0.5, 2, 1.5, 0, 0]


def test_swish_sign() -> None:
    # At 0: beta * 2 / 2. At 0.2 with beta 5, z = 1: 5 (2 - tanh(1/2)) / (1 + cosh 1).
    assert slopes(SwishSign(5), 0) == [5]
    expected = 5 * (2 - math.tanh(0.5)) / (1 + math.cosh(1))
    assert slopes(SwishSign(5), 0.2, -0.2) == pytest.approx([expected, expected], rel=1e-14)
    assert slopes(SwishSign(5), 0.6)[0] < 0
    assert slopes(SwishSign(5), 1e6) == [0]


def test_reste() -> None:
    # Power 2: the derivative of sqrt(|x|) is 1 / (2 sqrt|x|): at 0.25 it is 1; in 0..0.1 the chord sqrt(0.1) / 0.1.
    chord = 0.1**-0.5
    got = slopes(Rectified(power=2), -1.6, -0.25, -0.05, 0, 0.1, 0.25, 1.0, 1.5, 1.51)
    assert got == pytest.approx([0, 1, chord, chord, chord, 1, 0.5, 0.5 / math.sqrt(1.5), 0], rel=1e-12)
    assert slopes(Rectified(power=1), -1.6, -0.05, 0.7) == [0, 1, 1]


FUNCTIONS = {
    "clipped": lambda x: x.clamp(-1, 1),
    "polynomial": lambda x: torch.where(x.abs() < 1, 2 * x - x * x.abs(), torch.sign(x)),
    "swish-sign": lambda x: 2 * torch.sigmoid(5 * x) * (1 + 5 * x * (1 - torch.sigmoid(5 * x))) - 1,
    "reste": lambda x: torch.sign(x) * x.abs() ** (1 / 3),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_estimator_is_the_derivative_of_its_papers_function(name: str) -> None:
    x = torch.tensor([-0.95, -0.6, -0.31, 0.12, 0.5, 0.8], dtype=torch.float64, requires_grad=True)
    FUNCTIONS[name](x).sum().backward()
    assert x.grad is not None
    assert slopes(find_estimator(name), *x.tolist()) == pytest.approx(x.grad.tolist(), rel=1e-12)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_binarize_with_it(name: str) -> None:
    estimator = find_estimator(name)
    x = torch.tensor([-2.0, -0.5, 0.0, 0.25, 9.0], requires_grad=True)
    upstream = torch.tensor([1.0, 2.0, -3.0, 4.0, 5.0])
    y: Tensor = binarize(x, estimator)
    assert y.tolist() == [-1, -1, 1, 1, 1]
    (y * upstream).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, upstream * estimator(x.detach()))


def test_an_unknown_estimator_lists_the_known_ones() -> None:
    message = r"^estimator must be one of clipped, identity, polynomial, reste, swish-sign, not 'tanh'$"
    with pytest.raises(RequestError, match=message):
        find_estimator("tanh")
