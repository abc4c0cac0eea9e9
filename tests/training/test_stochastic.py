from __future__ import annotations

import torch

from bnnhw.training.estimators import Polynomial
from bnnhw.training.stochastic import StochasticActivation, hard_sigmoid, stochastic_binarize


def test_hard_sigmoid() -> None:
    assert hard_sigmoid(torch.tensor([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])).tolist() == [0, 0, 0.25, 0.5, 0.75, 1, 1]


def test_each_bit_follows_its_draw() -> None:
    x = torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0]).repeat(40)
    drawn = torch.rand(200, generator=torch.Generator().manual_seed(3))
    got = stochastic_binarize(x, generator=torch.Generator().manual_seed(3))
    assert torch.equal(got, torch.where(drawn < (x + 1) / 2, 1.0, -1.0))
    # Certain at -1 and +1.
    assert (got[0::5] == -1).all() and (got[4::5] == 1).all()


def test_the_probability_is_the_hard_sigmoid() -> None:
    x = torch.full((20_000,), 0.5)
    share = (stochastic_binarize(x, generator=torch.Generator().manual_seed(0)) > 0).double().mean().item()
    # 0.75, within 5 standard deviations of a mean of 20,000 bits.
    assert abs(share - 0.75) < 5 * (0.75 * 0.25 / 20_000) ** 0.5


def test_gradient_is_the_estimators() -> None:
    x = torch.tensor([-2.0, -0.5, 0.25], requires_grad=True)
    (stochastic_binarize(x, Polynomial()) * torch.tensor([1.0, 2.0, 4.0])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 2, 6]


def test_evaluation_is_the_sign() -> None:
    layer = StochasticActivation(generator=torch.Generator().manual_seed(0))
    x = torch.tensor([0.0, 0.1, -0.1]).repeat(50)
    assert len(layer(x).view(-1, 3)[:, 0].unique()) == 2
    layer.eval()
    assert torch.equal(layer(x), torch.tensor([1.0, 1.0, -1.0]).repeat(50))
