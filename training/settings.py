"""How a model is trained, whatever it is made of. Importing it needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from bnnhw.errors import RequestError
from bnnhw.training.limits import one_of

__all__ = ["Loss", "Optimizer", "Schedule", "Settings"]

Loss: TypeAlias = Literal["cross-entropy", "squared-hinge", "distributional"]
Optimizer: TypeAlias = Literal["adam", "shift-adamax", "bop"]
Schedule: TypeAlias = Literal["cosine", "step"]


MOST_STEPS = 1 << 20
"""Most epochs, and most frames of a batch."""


@dataclass(frozen=True)
class Settings:
    """What decides a training besides the model, the samples and the seed.

    Parameters
    ----------
    epochs, batch : int
        Passes over the training split; frames per step.
    learning_rate : float
        At the start.
    loss : str
        ``"cross-entropy"`` or ``"squared-hinge"``, of the batch-normalized scores, or ``"distributional"``: towards a
        teacher's (:mod:`bnnhw.training.teacher`).
    optimizer : str
        ``"adam"`` (Kingma and Ba, 2015), ``"shift-adamax"`` or ``"bop"`` (with Adam for everything but the weights).
    schedule : str
        ``"cosine"``: the learning rate falls to 0 along half a cosine (Loshchilov and Hutter, 2017, eq. 5).
        ``"step"``: it is divided by 10 at one half and at three quarters of the epochs.
    shift : (int, int)
        Samples are moved by up to so many elements up or down, left or right, at random, in every epoch.
    mirror : bool
        Half of the samples are turned left to right, at random, in every epoch.
    validation : float
        Share of the training split that is held out, 0 to less than 1.
    patience : int, optional
        Training stops after so many epochs without a better accuracy on what is held out, and the best model counts;
        without it, the model of the last epoch does.
    first_stage : float
        Share of the epochs trained with real-valued weights and binary activations, 0 to less than 1; the others start
        from those weights (:class:`~bnnhw.training.optimize.Trainer`).
    weight_decay : (float, float)
        L2 penalty on the weights, in the first stage and afterwards.
    draw : float
        Rows of weights are drawn towards each other: so much times the share of lanes that the spatial engine counts
        is added to the loss (:mod:`bnnhw.training.drawing`).
    draw_after : float
        Share of the epochs before that begins, 0 to less than 1.

    Raises
    ------
    RequestError
        A value is out of its range, or two do not go together.
    """

    epochs: int = 20
    batch: int = 100
    learning_rate: float = 0.01
    loss: Loss = "cross-entropy"
    optimizer: Optimizer = "adam"
    schedule: Schedule = "cosine"
    shift: tuple[int, int] = (0, 0)
    mirror: bool = False
    validation: float = 0.0
    patience: int | None = None
    first_stage: float = 0.0
    weight_decay: tuple[float, float] = (0.0, 0.0)
    draw: float = 0.0
    draw_after: float = 0.0

    def __post_init__(self) -> None:
        one_of("loss", self.loss, get_args(Loss))
        one_of("optimizer", self.optimizer, get_args(Optimizer))
        one_of("schedule", self.schedule, get_args(Schedule))
        for name in ("epochs", "batch"):
            if not 1 <= getattr(self, name) <= MOST_STEPS:
                raise RequestError(f"{name} must be from 1 to {MOST_STEPS}, not {getattr(self, name)!r}")
        if not 0 < self.learning_rate < math.inf:
            raise RequestError(f"learning_rate must be a number above 0, not {self.learning_rate!r}")
        if min(self.shift) < 0:
            raise RequestError(f"shift must not be negative, not {self.shift!r}")
        if not 0 <= self.validation < 1:
            raise RequestError(f"validation must be in 0..1, 1 excluded, not {self.validation!r}")
        if self.patience is not None and (self.patience < 1 or not self.validation):
            raise RequestError("patience must be at least 1, and needs a validation share")
        if not 0 <= self.first_stage < 1:
            raise RequestError(f"first_stage must be in 0..1, 1 excluded, not {self.first_stage!r}")
        if not all(0 <= decay < math.inf for decay in self.weight_decay):
            raise RequestError(f"weight_decay must not be negative, not {self.weight_decay!r}")
        if not 0 <= self.draw < math.inf:
            raise RequestError(f"draw must be a number from 0, not {self.draw!r}")
        if not 0 <= self.draw_after < 1:
            raise RequestError(f"draw_after must be in 0..1, 1 excluded, not {self.draw_after!r}")
        if self.optimizer == "bop" and (self.first_stage or any(self.weight_decay)):
            raise RequestError("bop has no latent weights to train in a first stage, or to decay")
        if self.optimizer == "shift-adamax" and any(self.weight_decay):
            raise RequestError("weight_decay must be (0, 0) with shift-adamax")
