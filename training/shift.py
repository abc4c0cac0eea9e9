"""BinaryNet's arithmetic without multiplications: powers of two nearest to numbers, batch normalization by shifts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bnnhw.training.layers import BatchNorm

__all__ = ["ShiftBatchNorm", "nearest_power"]


class _NearestPower(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004 - PyTorch's signature
        mantissa, exponent = torch.frexp(x)
        # |x| = m 2**e with m in [1/2, 1): log2 |x| rounds up from m = 2**-0.5 on.
        up = mantissa.abs() >= 2**-0.5
        power = torch.ldexp(torch.ones_like(x), exponent - 1 + up.to(exponent.dtype))
        return torch.where(x == 0, 0.0, torch.copysign(power, x)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:  # noqa: ARG004 - PyTorch's signature
        return grad_outputs[0]


def nearest_power(x: Tensor) -> Tensor:
    """AP2: ``sign(x) * 2**round(log2 |x|)``, 0 for 0; exact, computed on the exponent. The gradient passes straight.

    Source: Courbariaux, Hubara et al., "Binarized Neural Networks", 2016, section 1.4.
    """
    result = _NearestPower.apply(x)
    assert isinstance(result, Tensor)
    return result


class ShiftBatchNorm(BatchNorm):
    """Shift-based batch normalization: every product with one factor of a power of two.

    ``C(x) = x - mean``; ``var = mean(C(x) * AP2(C(x)))``;
    ``y = AP2(gamma) * (C(x) * AP2(1 / sqrt(var + eps))) + beta``.

    Source: Courbariaux, Hubara et al., "Binarized Neural Networks", 2016, section 1.4, "Shift based Batch Normalizing
    Transform". Its last line leaves out the ``beta`` that is among its parameters; here it is added.

    In hardware nothing is different: this norm, too, is a threshold. It saves multiplications while training.

    Input and output: ``(frames, channels)``, or maps ``(frames, channels, height, width)``.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name it overrides
        assert self.running_mean is not None and self.running_var is not None
        mean, var = self.running_mean, self.running_var
        shape = (1, -1, *[1] * (input.ndim - 2))
        if self.training:
            axes = [axis for axis in range(input.ndim) if axis != 1]
            mean = input.mean(axes)
            centred = input - mean.reshape(shape)
            var = (centred * nearest_power(centred)).mean(axes)
            with torch.no_grad():
                momentum = self.momentum if self.momentum is not None else 0.1
                self.running_mean.lerp_(mean, momentum)
                self.running_var.lerp_(var, momentum)
                assert self.num_batches_tracked is not None
                self.num_batches_tracked += 1
        return self.factor(var).reshape(shape) * (input - mean.reshape(shape)) + self.bias.reshape(shape)

    def factor(self, var: Tensor) -> Tensor:
        """What the centred input is multiplied by, ``(channels,)``: a power of two, or 0."""
        return nearest_power(self.weight) * self._inverse_deviation(var)

    def _inverse_deviation(self, var: Tensor) -> Tensor:
        # In float64 always: beside a tie, float32 could choose another power than the float64 model.
        return nearest_power((var.double() + self.eps).rsqrt()).to(var.dtype)

    def inference(self) -> dict[str, Tensor]:
        """As a plain batch normalization: the powers of two as gamma, over a deviation of exactly 1."""
        assert self.running_mean is not None and self.running_var is not None
        with torch.no_grad():
            gamma = self.factor(self.running_var)
        var = torch.full_like(gamma, 1 - self.eps)
        return {"gamma": gamma, "beta": self.bias, "mean": self.running_mean, "var": var}
