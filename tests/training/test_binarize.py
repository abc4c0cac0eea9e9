from __future__ import annotations

import torch

from bnnhw.training.binarize import binarize


def test_signs_with_sign_of_zero_plus_one() -> None:
    x = torch.tensor([-2.0, -1e-45, -0.0, 0.0, 1e-45, 2.0])
    assert binarize(x).tolist() == [-1, -1, 1, 1, 1, 1]


def test_keeps_the_dtype() -> None:
    for dtype in (torch.float32, torch.float64):
        assert binarize(torch.zeros(3, dtype=dtype)).dtype == dtype


def test_gradient_passes_where_the_magnitude_is_at_most_one() -> None:
    x = torch.tensor([-1.5, -1.0, -0.25, 0.0, 0.5, 1.0, 1.0000001], requires_grad=True)
    upstream = torch.tensor([1.0, 2.0, 3.0, 4.0, -5.0, 6.0, 7.0])
    (binarize(x) * upstream).sum().backward()
    # Eq. 4: g_r = g_q where |r| <= 1, else 0.
    assert x.grad is not None
    assert x.grad.tolist() == [0, 2, 3, 4, -5, 6, 0]


def test_gradient_of_a_hand_computed_neuron() -> None:
    # w = (0.5, -2, 0) -> signs (1, -1, 1); x = (0.25, -3, 0) -> signs (1, -1, 1); a = 3; loss = a**2, dL/da = 6.
    w = torch.tensor([0.5, -2.0, 0.0], requires_grad=True)
    x = torch.tensor([0.25, -3.0, 0.0], requires_grad=True)
    loss = (binarize(w) @ binarize(x)) ** 2
    loss.backward()
    assert loss.item() == 9
    assert w.grad is not None and x.grad is not None
    # dL/dw_i = 6 * sign(x_i) where |w_i| <= 1; dL/dx_i = 6 * sign(w_i) where |x_i| <= 1.
    assert w.grad.tolist() == [6, 0, 6]
    assert x.grad.tolist() == [6, 0, 6]
