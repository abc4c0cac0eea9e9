"""Learned truth tables and wiring: layers of a differentiable weightless network, and the class sums behind them.

Source: Bacellar et al., "Differentiable Weightless Neural Networks", 2024, sections 3.1 (tables) and 3.2 (wiring); the
constants are those of the authors' implementation, torch_dwn 1.1.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bnnhw.errors import RequestError
from bnnhw.ir.layers.lookup import MAX_ADDRESS
from bnnhw.training.binarize import binarize, sign
from bnnhw.training.estimators import IDENTITY
from bnnhw.training.layers import Activation

__all__ = ["ClassSums", "LookupLayer", "Unary", "finite_differences", "varying"]

SOFTMAX_TEMPERATURE = 0.001
"""Of the wiring's softmax, through which the gradient reaches the layer before (torch_dwn's ``lm_tau``)."""


def finite_differences(inputs: int) -> Tensor:
    """The extended finite difference of a table by each of its inputs, as a linear map of the table's entries.

    At address ``a`` the derivative by input ``j`` is ``alpha * sum_k (+-) beta**H(a, k) * table[k]``, with + where bit
    ``j`` of ``k`` is 1, and ``H`` the number of other bits in which ``a`` and ``k`` differ: section 3.1, with
    ``alpha = 0.5 * 0.75**(inputs - 1)`` and ``beta = 1/3`` in place of ``1 / (H + 1)``, as in torch_dwn. For one input
    it is half of ``table[1] - table[0]``, the slope between inputs of -1 and +1.

    Returns
    -------
    float32 tensor (entries k, addresses a, inputs j)
    """
    alpha, beta = 0.5 * 0.75 ** (inputs - 1), 1 / 3
    entry = torch.arange(1 << inputs)
    bits = entry[:, None] >> torch.arange(inputs) & 1
    differ = bits[:, None] != bits
    others = differ.sum(dim=2, keepdim=True) - differ.long()
    return alpha * (2 * bits[:, None] - 1) * beta**others


def varying(bits: Tensor, share: float) -> Tensor:
    """The inputs of which both values occur, the rarer one in at least a share of the frames; all if none do.

    Parameters
    ----------
    bits : tensor (frames, inputs) of -1 and +1
    share : float
        0 to 0.5.
    """
    ones = (bits > 0).double().mean(dim=0)
    rarer = torch.minimum(ones, 1 - ones)
    found = torch.nonzero((rarer >= share) & (rarer > 0))[:, 0]
    return found if len(found) else torch.arange(bits.shape[1])


class _LookedUp(torch.autograd.Function):
    """The entries at the addresses that the chosen elements make.

    All is laid out neuron by neuron, the frames of a batch side by side.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, wiring: Tensor, tables: Tensor, differences: Tensor) -> Tensor:
        inputs = differences.shape[2]
        elements = x.T.contiguous()
        picked = (elements > 0).to(torch.uint8).index_select(0, wiring.argmax(dim=1)).reshape(-1, inputs, len(x))
        address = picked[:, 0].long()
        for place in range(1, inputs):
            address |= picked[:, place].long() << place
        ctx.save_for_backward(elements, wiring, tables, differences, address)
        return tables.gather(1, address).T

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        elements, wiring, tables, differences, address = ctx.saved_tensors
        grad = grad_outputs[0].T.contiguous()
        found = torch.zeros_like(tables).scatter_add_(1, address, grad)
        slopes = torch.einsum("nk,kaj->jna", tables, differences)
        picked = torch.stack([by_input.gather(1, address) * grad for by_input in slopes], dim=1).flatten(0, 1)
        before = None
        if ctx.needs_input_grad[0]:
            before = picked.T @ torch.softmax(wiring / SOFTMAX_TEMPERATURE, dim=1)
        return before, (elements @ picked.T).T, found, None


class LookupLayer(Activation):
    """Neurons that are truth tables of a few inputs each, of which both are learned: the tables and which inputs.

    The entries are real numbers of which the signs count; they are clipped to [-1, 1] after each step. Which inputs a
    neuron reads are those of the greatest wiring weights, one row of weights for each input of each neuron; the
    gradient reaches all of them as if each had been read.

    Parameters
    ----------
    inputs : int
        Elements, -1 and +1.
    outputs : int
        Neurons.
    fan_in : int
        Inputs of a neuron, 1 to 8.
    generator : torch.Generator, optional
        Source of the first tables, uniform in -1..1, and of the first wiring weights, uniform in 0..1.
    candidates : int64 tensor, optional
        The inputs that neurons may read; all without it.

    Raises
    ------
    RequestError
        For another fan-in.

    Input: ``(frames, inputs)``. Output: ``(frames, outputs)`` of -1 and +1.
    """

    candidates: Tensor
    differences: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        fan_in: int,
        generator: torch.Generator | None = None,
        candidates: Tensor | None = None,
    ) -> None:
        super().__init__()
        if not 1 <= fan_in <= MAX_ADDRESS:
            raise RequestError(f"inputs of a table must be in 1..{MAX_ADDRESS}, not {fan_in}")
        self.inputs, self.fan_in = inputs, fan_in
        self.tables = nn.Parameter(torch.rand(outputs, 1 << fan_in, generator=generator) * 2 - 1)
        chosen = torch.arange(inputs) if candidates is None else candidates
        self.wiring = nn.Parameter(torch.rand(outputs * fan_in, len(chosen), generator=generator))
        self.register_buffer("candidates", chosen)
        self.register_buffer("differences", finite_differences(fan_in), persistent=False)

    @property
    def sources(self) -> Tensor:
        """Which inputs each neuron reads: int64 (outputs, fan-in); the first is the lowest in the address."""
        return self.candidates[self.wiring.argmax(dim=1)].reshape(-1, self.fan_in)

    @property
    def entries(self) -> Tensor:
        """The tables in use, -1.0 and +1.0: (outputs, 2 ** fan-in)."""
        return sign(self.tables)

    def look_up(self, x: Tensor) -> Tensor:
        """The entries that are found, as the numbers that they are."""
        read = x if len(self.candidates) == self.inputs else x[:, self.candidates]
        found = _LookedUp.apply(read, self.wiring, self.tables, self.differences)
        assert isinstance(found, Tensor)
        return found

    def forward(self, x: Tensor) -> Tensor:
        return binarize(self.look_up(x), IDENTITY)

    def clip_(self) -> None:
        """Clip the entries to [-1, 1]."""
        with torch.no_grad():
            self.tables.clamp_(-1, 1)


class Unary(Activation):
    """The code of an element in as many bits as it has thresholds: bit ``k`` is +1 where its level is above ``k``.

    Parameters
    ----------
    minimum : float
        The least value of an element.
    step : float
        Between two values.
    levels : int
        Values of an element.

    Input: ``(frames, elements)``, or maps ``(frames, channels, height, width)``. Output: ``levels - 1`` times as many
    elements, or channels, the bits of an element side by side.
    """

    def __init__(self, minimum: float, step: float, levels: int) -> None:
        super().__init__()
        self.minimum, self.size, self.levels = minimum, step, levels

    def forward(self, x: Tensor) -> Tensor:
        above = torch.arange(1, self.levels, dtype=x.dtype, device=x.device) * self.size + self.minimum
        above = above.reshape(-1, *[1] * (x.ndim - 2))
        return torch.where(x[:, :, None] >= above, 1.0, -1.0).to(x.dtype).flatten(1, 2)


class ClassSums(nn.Module):
    """The sums of equally many neurons for each class, divided by a temperature.

    A low temperature makes the loss look at few frames, a high one at all of them alike; it changes no class. Source:
    Petersen et al., "Deep Differentiable Logic Gate Networks", 2022, section 3.3.

    Parameters
    ----------
    inputs, classes : int
        Neuron ``n`` counts for class ``n * classes // inputs``.
    temperature : float

    Raises
    ------
    RequestError
        Classes of different numbers of neurons.
    """

    def __init__(self, inputs: int, classes: int, temperature: float) -> None:
        super().__init__()
        if inputs % classes:
            raise RequestError(
                f"neurons of the last lookup layer must be a multiple of {classes} classes, not {inputs}"
            )
        self.inputs, self.classes, self.temperature = inputs, classes, temperature

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), self.classes, -1).sum(dim=2) / self.temperature
