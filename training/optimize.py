"""The training loop: seeded, from arrays to a trained model."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bnnhw.training.layers import clip_latent
from bnnhw.training.recipes import Recipe

__all__ = ["LOSSES", "fit", "squared_hinge"]


def squared_hinge(scores: Tensor, classes: Tensor) -> Tensor:
    """Mean over frames and classes of ``max(0, 1 - t * score)**2``, t = +1 for the true class and -1 otherwise.

    Source: Tang, "Deep Learning using Linear Support Vector Machines", 2013, eq. 6; the loss of
    Courbariaux, Hubara et al., 2016, section 2.1.
    """
    targets = nn.functional.one_hot(classes, scores.shape[1]).to(scores.dtype) * 2 - 1
    return (1 - targets * scores).clamp(min=0).square().mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross-entropy": nn.functional.cross_entropy,
    "squared-hinge": squared_hinge,
}


def fit(
    model: nn.Module,
    samples: Tensor,
    classes: Tensor,
    recipe: Recipe,
    epochs: int,
    generator: torch.Generator,
    progress: Callable[[int, float, float], None] | None = None,
) -> None:
    """Train ``model`` in place; it is left in evaluation mode.

    Adam (Kingma and Ba, 2015), the learning rate following half a cosine down to 0 step by step, the
    latent weights clipped after each step. The model of the last epoch is the result: nothing is
    selected on held-out data.

    Parameters
    ----------
    model : torch.nn.Module
    samples : float32 tensor (frames, features)
        Raw samples, on the model's device.
    classes : int64 tensor (frames,)
    recipe : Recipe
    epochs : int
    generator : torch.Generator
        On the CPU: order of the frames.
    progress : callable, optional
        Called after each epoch with its number from 1, the mean loss, and the accuracy (0..1) over the
        batches as they were trained on.
    """
    loss_of = LOSSES[recipe.loss]
    frames = len(samples)
    # A last batch of one frame has no variance to normalize by: spread the frames over equal batches.
    batches = -(-frames // recipe.batch)
    # fused: one kernel a step instead of several a tensor, which is what a small network's step costs.
    optimizer = torch.optim.Adam(model.parameters(), recipe.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * batches)
    model.train()
    for epoch in range(1, epochs + 1):
        order = torch.randperm(frames, generator=generator).to(samples.device)
        loss_sum, correct = samples.new_zeros(()), samples.new_zeros(())
        for index in torch.tensor_split(order, batches):
            scores = model(samples[index])
            loss = loss_of(scores, classes[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            clip_latent(model)
            schedule.step()
            loss_sum += loss.detach() * len(index)
            correct += (scores.detach().argmax(1) == classes[index]).sum()
        if progress is not None:
            progress(epoch, float(loss_sum) / frames, float(correct) / frames)
    model.eval()
