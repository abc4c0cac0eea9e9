"""Layers of gates of two inputs, learned by gradient: mixtures of all sixteen while training, one gate each afterwards.

Source: Petersen et al., "Deep Differentiable Logic Gate Networks", 2022, section 3.1 (real-valued gates) and 3.2 (the
mixture). There both inputs of a gate are drawn at random and stay; here each is a mixture of a few drawn ones as well,
of which the strongest is left, as the wiring of Bacellar et al., "Differentiable Weightless Neural Networks", 2024, is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bnnhw.errors import RequestError
from bnnhw.training.layers import Activation

__all__ = ["GATES", "GateLayer"]

GATES = torch.tensor([[2.0 * (gate >> address & 1) - 1 for address in range(4)] for gate in range(16)])
"""The tables of the sixteen gates, -1 and +1: entry ``a + 2 * b`` of gate ``g`` is bit ``a + 2 * b`` of ``g``."""


class GateLayer(Activation):
    """Neurons that are gates of two inputs each, of which both are learned: the gate, and which inputs.

    While training, a neuron's table is the mean of the sixteen gates' tables, weighted by a softmax; each of its inputs
    is the mean of its candidates, weighted by another. The output is the table's expectation where an input ``x`` in
    -1..1 is +1 with probability ``(1 + x) / 2``, independently of the other: for -1 and +1 the entry itself. In
    evaluation the gate and the inputs of the greatest weights are taken alone; the first ones of equals.

    Parameters
    ----------
    inputs : int
        Elements, -1 and +1.
    outputs : int
        Neurons.
    choices : int
        Candidates of each input of a neuron, drawn at random; fewer where there are no more.
    generator : torch.Generator, optional
        Source of the candidates, and of the first weights, standard normal.
    candidates : int64 tensor, optional
        The inputs that neurons may read; all without it.

    Raises
    ------
    RequestError
        Fewer than one candidate.

    Input: ``(frames, inputs)``. Output: ``(frames, outputs)``, of -1 and +1 in evaluation.
    """

    places: Tensor
    gates: Tensor

    fan_in = 2

    def __init__(
        self,
        inputs: int,
        outputs: int,
        choices: int,
        generator: torch.Generator | None = None,
        candidates: Tensor | None = None,
    ) -> None:
        super().__init__()
        if choices < 1:
            raise RequestError(f"choices of a gate's input must be at least 1, not {choices}")
        chosen = torch.arange(inputs) if candidates is None else candidates
        draws = torch.rand(outputs * self.fan_in, len(chosen), generator=generator)
        self.register_buffer("places", chosen[draws.topk(min(choices, len(chosen)), dim=1).indices])
        self.weights = nn.Parameter(torch.randn(outputs, len(GATES), generator=generator))
        self.wiring = nn.Parameter(torch.randn(*self.places.shape, generator=generator))
        self.register_buffer("gates", GATES, persistent=False)

    @property
    def sources(self) -> Tensor:
        """Which inputs each neuron reads: int64 (outputs, 2); the first is the lower one in the address."""
        return self.places.gather(1, self.wiring.argmax(dim=1, keepdim=True)).reshape(-1, self.fan_in)

    @property
    def entries(self) -> Tensor:
        """The tables in use, -1.0 and +1.0: (outputs, 4)."""
        return self.gates[self.weights.argmax(dim=1)]

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            a, b = (x[:, self.sources[:, place]] > 0 for place in range(self.fan_in))
            return self.entries.to(x.dtype).T.gather(0, a + 2 * b)
        share = torch.softmax(self.wiring, dim=1)
        a, b = (x[:, self.places] * share).sum(dim=2).unflatten(1, (-1, self.fan_in)).unbind(dim=2)
        low, first, second, both = (torch.softmax(self.weights, dim=1) @ self.gates).unbind(dim=1)
        mean = low + first + second + both
        by_a, by_b, by_both = first + both - low - second, second + both - low - first, low + both - first - second
        return (mean + by_a * a + by_b * b + by_both * a * b) / 4
