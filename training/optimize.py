"""The training loop: seeded, epoch by epoch, from arrays to a trained model."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, assert_never

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR

from bnnhw.training.augment import random_mirror, random_shift
from bnnhw.training.bop import Bop, binary_parameters, other_parameters
from bnnhw.training.drawing import Drawing
from bnnhw.training.estimators import Identity
from bnnhw.training.layers import BinaryLayer, Narrowing, clip_latent
from bnnhw.training.settings import Settings
from bnnhw.training.shift_adamax import ShiftAdaMax
from bnnhw.training.teacher import distributional

__all__ = ["LOSSES", "Epoch", "Trainer", "fit", "squared_hinge"]

_EVALUATION_BATCH = 1000
"""Frames evaluated at once: bounds the memory that held-out frames take."""


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


@dataclass(frozen=True)
class Epoch:
    """What an epoch gave.

    Parameters
    ----------
    epoch : int
        From 1.
    loss : float
        Mean over the frames as they were trained on.
    accuracy : float
        Over the same, 0..1.
    validation : float or None
        Accuracy over the frames held out, 0..1, after the epoch.
    learning_rate : float
        Of the epoch's last step.
    wall_s : float
    """

    epoch: int
    loss: float
    accuracy: float
    validation: float | None
    learning_rate: float
    wall_s: float


class Trainer:
    """Trains a model in place, epoch by epoch; its state can be kept and taken up again between two of them.

    A model with a first stage is trained in two: with real-valued weights and binary activations, then, from those
    weights, with both binary; each stage has an optimizer and a schedule of its own. Source: Liu et al., "ReActNet",
    2020, its training settings (after Martinez et al., "Training Binary Neural Networks with Real-to-Binary
    Convolutions", 2020). The authors give both stages the same number of epochs, and a weight decay of 1e-5 to the
    first and none to the second (their published scripts); Liu et al., "How Do Adam and Training Strategies Help BNNs
    Optimization?", 2021, study why: decay holds latent weights near 0, where they keep changing sign.

    The latent weights are clipped after each step. With the same arguments and the same generator it gives the same
    model, whether or not it was interrupted.

    Parameters
    ----------
    model : torch.nn.Module
    samples : float32 tensor (frames, features) or (frames, channels, height, width)
        Raw samples, on the model's device.
    classes : int64 tensor (frames,)
    settings : Settings
    generator : torch.Generator
        On the CPU: what is held out, order of the frames, augmentation.
    teacher : torch.nn.Module, optional
        In evaluation mode, for the distributional loss.
    """

    def __init__(
        self,
        model: nn.Module,
        samples: Tensor,
        classes: Tensor,
        settings: Settings,
        generator: torch.Generator,
        teacher: nn.Module | None = None,
    ) -> None:
        if (settings.loss == "distributional") != (teacher is not None):
            raise ValueError("the distributional loss needs a teacher, and no other loss has one")
        self.teacher = teacher
        self.model, self.settings, self.generator = model, settings, generator
        self.epoch = 0
        self.best_epoch = 0
        self.best_accuracy = -1.0
        self._best: dict[str, Tensor] | None = None
        self.samples, self.classes = samples, classes
        self.held: tuple[Tensor, Tensor] | None = None
        if settings.validation:
            order = torch.randperm(len(samples), generator=generator).to(samples.device)
            number = max(1, round(settings.validation * len(samples)))
            self.held = samples[order[:number]], classes[order[:number]]
            self.samples, self.classes = samples[order[number:]], classes[order[number:]]
        self._drawing = Drawing(model) if settings.draw else None
        self._narrowing = [module for module in model.modules() if isinstance(module, Narrowing)]
        # A last batch of one frame has no variance to normalize by: spread the frames over equal batches.
        self.batches = -(-len(self.samples) // settings.batch)
        # Of the first stage; at least one is left for the other.
        self.first = min(round(settings.first_stage * settings.epochs), settings.epochs - 1)
        self._begin(1 if self.first else 2)

    def _begin(self, stage: int) -> None:
        """Weights, optimizers and schedules of a stage."""
        self.stage = stage
        if self.first:
            for module in self.model.modules():
                if isinstance(module, BinaryLayer):
                    module.real = stage == 1
        self.optimizers = self._optimizers()
        # Bop has no learning rate.
        self.schedules = [self._schedule(o) for o in self.optimizers if "lr" in o.param_groups[0]]

    def _parameters(self) -> list[dict[str, Any]] | Iterable[nn.Parameter]:
        """For Adam: the weights decay, norms and thresholds do not."""
        decay = self.settings.weight_decay[self.stage - 1]
        if not decay:
            return self.model.parameters()
        weights, others = binary_parameters(self.model), other_parameters(self.model)
        return [{"params": weights, "weight_decay": decay}, {"params": others}]

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        rate = self.settings.learning_rate
        match self.settings.optimizer:
            case "shift-adamax":
                return [ShiftAdaMax(self.model.parameters(), rate)]
            case "bop":
                for module in self.model.modules():
                    if isinstance(module, BinaryLayer):
                        module.estimator = Identity()
                others = torch.optim.Adam(other_parameters(self.model), rate, fused=True)
                return [Bop(binary_parameters(self.model)), others]
            case "adam":
                # fused: one kernel a step instead of several a tensor, which is what a small network's step costs.
                return [torch.optim.Adam(self._parameters(), rate, fused=True)]
            case _:
                assert_never(self.settings.optimizer)

    def _schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler:
        steps = (self.first if self.stage == 1 else self.settings.epochs - self.first) * self.batches
        match self.settings.schedule:
            case "step":
                return MultiStepLR(optimizer, [steps // 2, steps * 3 // 4], 0.1)
            case "cosine":
                return CosineAnnealingLR(optimizer, steps)
            case _:
                assert_never(self.settings.schedule)

    @property
    def _settled(self) -> bool:
        return all(module.settled for module in self._narrowing)

    @property
    def done(self) -> bool:
        """Whether all epochs are over, or the patience is."""
        patience = self.settings.patience
        if self.epoch >= self.settings.epochs:
            return True
        return self.stage == 2 and patience is not None and self.epoch - self.best_epoch >= patience

    def run_epoch(self) -> Epoch:
        """One pass over the frames that are not held out."""
        start = time.perf_counter()
        frames = len(self.samples)
        if self.stage == 1 and self.epoch == self.first:
            # No network of the first stage is what is asked for.
            self.best_epoch = self.epoch
            self._begin(2)
        self.model.train()
        for module in self._narrowing:
            # In the last epoch all is over.
            module.progress(self.epoch / (self.settings.epochs - 1) if self.settings.epochs > 1 else 1.0)
        self.epoch += 1
        if self.settings.patience is not None and not self._settled:
            # Nor is one that has not settled.
            self.best_epoch = self.epoch
        begun = self.stage == 2 and self.epoch > self.settings.draw_after * self.settings.epochs
        drawing = self._drawing if begun else None
        if drawing is not None:
            drawing.choose()
        order = torch.randperm(frames, generator=self.generator).to(self.samples.device)
        loss_sum, correct = self.samples.new_zeros(()), self.samples.new_zeros(())
        rate = self.settings.learning_rate
        for index in torch.tensor_split(order, self.batches):
            x = self.samples[index]
            if any(self.settings.shift):
                x = random_shift(x, self.settings.shift, self.generator)
            if self.settings.mirror:
                x = random_mirror(x, self.generator)
            scores = self.model(x)
            loss = self._loss(x, scores, self.classes[index])
            total = loss if drawing is None else loss + self.settings.draw * drawing.share()
            for optimizer in self.optimizers:
                optimizer.zero_grad()
            total.backward()
            for optimizer in self.optimizers:
                optimizer.step()
            clip_latent(self.model)
            for schedule in self.schedules:
                rate = float(schedule.get_last_lr()[0])
                schedule.step()
            loss_sum += loss.detach() * len(index)
            correct += (scores.detach().argmax(1) == self.classes[index]).sum()
        self.model.eval()
        held = self._validate()
        wall_s = time.perf_counter() - start
        return Epoch(self.epoch, float(loss_sum) / frames, float(correct) / frames, held, rate, wall_s)

    def _loss(self, x: Tensor, scores: Tensor, classes: Tensor) -> Tensor:
        if self.teacher is None:
            return LOSSES[self.settings.loss](scores, classes)
        with torch.no_grad():
            wanted = self.teacher(x)
        return distributional(scores, wanted)

    def _validate(self) -> float | None:
        """Accuracy over what is held out; the best model so far is kept where the settings have patience."""
        if self.held is None:
            return None
        samples, classes = self.held
        with torch.no_grad():
            found = torch.cat([self.model(part).argmax(1) for part in samples.split(_EVALUATION_BATCH)])
        accuracy = float((found == classes).double().mean())
        counts = self.settings.patience is not None and self.stage == 2 and self._settled
        if counts and accuracy > self.best_accuracy:
            self.best_accuracy, self.best_epoch = accuracy, self.epoch
            self._best = copy.deepcopy(self.model.state_dict())
        return accuracy

    def finish(self) -> None:
        """Leave the result in the model, in evaluation mode: the best one with patience, otherwise the last."""
        if self._best is not None:
            self.model.load_state_dict(self._best)
        self.model.eval()

    def state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on, tensors and plain numbers."""
        return {
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "best_accuracy": self.best_accuracy,
            "best": self._best,
            "stage": self.stage,
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "schedules": [schedule.state_dict() for schedule in self.schedules],
            "generator": self.generator.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state that a trainer with the same arguments gave."""
        self.epoch, self.best_epoch = state["epoch"], state["best_epoch"]
        self.best_accuracy, self._best = state["best_accuracy"], state["best"]
        if state["stage"] != self.stage:
            self._begin(state["stage"])
        self.model.load_state_dict(state["model"])
        for kind, objects in (("optimizers", self.optimizers), ("schedules", self.schedules)):
            for member, kept in zip(objects, state[kind], strict=True):
                member.load_state_dict(kept)
        self.generator.set_state(state["generator"].cpu())


def fit(
    model: nn.Module,
    samples: Tensor,
    classes: Tensor,
    settings: Settings,
    generator: torch.Generator,
    progress: Callable[[int, float, float], None] | None = None,
) -> None:
    """Train ``model`` in place with a :class:`Trainer`, whose arguments these are; it is left in evaluation mode.

    Parameters
    ----------
    progress : callable, optional
        Called after each epoch with its number from 1, the mean loss, and the accuracy (0..1) over the
        batches as they were trained on.
    """
    trainer = Trainer(model, samples, classes, settings, generator)
    while not trainer.done:
        epoch = trainer.run_epoch()
        if progress is not None:
            progress(epoch.epoch, epoch.loss, epoch.accuracy)
    trainer.finish()
