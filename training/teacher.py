"""Learning from a real-valued network: ReActNet's distributional loss, and where its teacher comes from.

The teacher is the recipe's real-valued twin: the same shape, real-valued weights, rectifiers in the place of binary
activations, trained on the same frames with cross-entropy. ReActNet's authors take a ResNet-50 trained on ImageNet;
nothing of that size would teach a network for these boards more than its twin can.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor
from torch.nn import functional

from bnnhw.training.recipe import Recipe

__all__ = ["distributional", "teacher_recipe"]


def distributional(scores: Tensor, teacher: Tensor) -> Tensor:
    """Mean over frames of the Kullback-Leibler divergence of the class probabilities from a teacher's.

    ``sum over classes of p_teacher * log(p_teacher / p)``, both probabilities by softmax.

    Source: Liu et al., "ReActNet: Towards Precise Binary Neural Network with Generalized Activation Functions", 2020,
    section 4, "Distributional Loss" (there with a minus sign and the fraction inverted). The true class plays no part.

    Parameters
    ----------
    scores : tensor (frames, classes)
    teacher : tensor (frames, classes)
        The teacher's scores; no gradient reaches them.
    """
    wanted = functional.log_softmax(teacher.detach(), dim=1)
    return functional.kl_div(functional.log_softmax(scores, dim=1), wanted, reduction="batchmean", log_target=True)


def teacher_recipe(recipe: Recipe) -> Recipe:
    """How the teacher of a recipe is trained: as the recipe says, in one stage, with cross-entropy and Adam.

    To be built with ``real=True`` (:func:`bnnhw.training.models.build`).
    """
    return replace(
        recipe,
        name=f"{recipe.name} teacher",
        loss="cross-entropy",
        epochs=recipe.teacher_epochs,
        teacher_epochs=0,
        first_stage=0.0,
        weight_decay=(0.0, 0.0),
        optimizer="adam",
        validation=0.0,
        patience=None,
        draw=0.0,
    )
