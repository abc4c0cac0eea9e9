"""Learned sparsity: a limit on how many synapses a neuron may keep."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bnnhw.errors import RequestError
from bnnhw.training.binarize import sign
from bnnhw.training.layers import BinaryLinear

__all__ = ["FanInLinear", "strongest"]


def strongest(weights: Tensor, number: int) -> Tensor:
    """1 at the ``number`` greatest ``|w|`` of each row, 0 elsewhere; the first ones of equals."""
    sizes = weights.abs()
    # The least of them by a partial sort: of 500 rows of 784 a sixth of the time that sorting takes.
    least = sizes.topk(number, dim=1, sorted=False).values.amin(dim=1, keepdim=True)
    above, equal = sizes > least, sizes == least
    room = number - above.sum(dim=1, keepdim=True)
    return (above | (equal & (equal.cumsum(dim=1) <= room))).to(weights.dtype)


class _SparseSigns(torch.autograd.Function):
    """The signs of the weights that are kept; the gradient passes to all of them as it is."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, kept: Tensor) -> Tensor:  # noqa: ARG004 - torch names it
        return sign(weights) * kept

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:  # noqa: ARG004 - torch names it
        return grad_outputs[0], None


class FanInLinear(BinaryLinear):
    """A binary layer in which each neuron keeps its ``fan_in`` strongest synapses and has none elsewhere.

    The gradient reaches all latent weights, so that a synapse that was left out comes back when it grows past another:
    which ones to keep is learned with their signs. A limit on the fan-in is what makes a neuron a small truth table:
    Umuroglu et al., "LogicNets: Co-Designed Neural Networks and Circuits for Extreme-Throughput Applications", 2020,
    section 3 (there drawn at random, and fixed). Choosing by magnitude with a straight-through gradient: Ramanujan et
    al., "What's Hidden in a Randomly Weighted Neural Network?", 2020, section 3. The latent weights are not clipped: at
    a bound the strongest would be equal, and which of them are kept a matter of their order.

    A limit that holds from the first step lets few synapses be tried. With ``narrowing`` it falls from all inputs to
    ``fan_in`` over that share of the training, by ``fan_in + (inputs - fan_in) * (1 - done / narrowing)**3``: Zhu and
    Gupta, "To Prune, or Not to Prune: Exploring the Efficacy of Pruning for Model Compression", 2017, eq. 1.

    Parameters
    ----------
    inputs, outputs, generator
        As for :class:`~bnnhw.training.layers.BinaryLinear`.
    fan_in : int
        1 to ``inputs``.
    candidates : int64 tensor, optional
        The inputs that neurons may keep, at least one; all without it. Where they are fewer than the fan-in, all of
        them are kept. Latent weights are theirs alone.
    narrowing : float
        0 to less than 1.

    Members
    -------
    limit : int
        Synapses that a neuron keeps at present.

    Raises
    ------
    RequestError
        For another fan-in.
    """

    candidates: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        fan_in: int,
        generator: torch.Generator | None = None,
        candidates: Tensor | None = None,
        narrowing: float = 0.0,
    ) -> None:
        if not 1 <= fan_in <= inputs:
            raise RequestError(f"fan-in must be in 1..{inputs}, not {fan_in}")
        super().__init__(inputs, outputs, generator)
        chosen = torch.arange(inputs) if candidates is None else candidates
        # Weights of the others are not there at all.
        self.latent = nn.Parameter(self.latent.detach()[:, chosen])
        self.inputs = inputs
        self.fan_in = self.limit = min(fan_in, len(chosen))
        self.narrowing = narrowing
        self.register_buffer("candidates", chosen)

    @property
    def kept(self) -> Tensor:
        """1 where there is a synapse, 0 elsewhere, ``(outputs, candidates)``."""
        return strongest(self.latent.detach(), self.limit)

    @property
    def _used(self) -> Tensor:
        """The weights in use, of candidates."""
        if self.real:
            return self.latent * self.kept
        result = _SparseSigns.apply(self.latent, self.kept)
        assert isinstance(result, Tensor)
        return result

    @property
    def signs(self) -> Tensor:
        """The weights in use, -1.0, 0.0 and +1.0 unless ``real``, ``(outputs, inputs)``."""
        used = self._used
        return used.new_zeros(len(used), self.inputs).index_copy(1, self.candidates, used)

    def forward(self, x: Tensor) -> Tensor:
        if len(self.candidates) < self.inputs:
            x = x[:, self.candidates]
        return nn.functional.linear(x, self._used)

    def progress(self, done: float) -> None:
        """Set the limit for what comes after a share of the training."""
        left = max(0.0, 1 - done / self.narrowing) if self.narrowing else 0.0
        self.limit = self.fan_in + round((len(self.candidates) - self.fan_in) * left**3)

    @property
    def settled(self) -> bool:
        """Whether the limit is what it will be in the end."""
        return self.limit == self.fan_in

    def clip_(self) -> None:
        """Leave the latent weights as they are."""
