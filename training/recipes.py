"""Recipes: everything that decides a training run except its seed. Importing them needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from bnnhw.errors import RequestError

__all__ = ["RECIPES", "InputRecipe", "Recipe", "find_recipe"]


@dataclass(frozen=True)
class InputRecipe:
    """How raw samples become elements.

    Parameters
    ----------
    bits : int
        Bits of an unsigned element, ``clip(floor(x), 0, 2**bits - 1)``.
    threshold : float, optional
        One bit instead: +1 iff ``x >= threshold``.
    """

    bits: int = 1
    threshold: float | None = None


@dataclass(frozen=True)
class Recipe:
    """A training run.

    Parameters
    ----------
    name : str
    summary : str
        One line for a listing.
    dataset : str
        Name for :func:`bnnhw.datasets.load`.
    input : InputRecipe
    widths : tuple of int
        Neurons of each hidden layer.
    epochs, batch : int
        Passes over the training split; frames a step.
    learning_rate : float
        Of Adam at the start; it falls to 0 along half a cosine (Loshchilov and Hutter, 2017, eq. 5).
    loss : str
        ``"cross-entropy"`` or ``"squared-hinge"``, of the batch-normalized scores.
    """

    name: str
    summary: str
    dataset: str
    input: InputRecipe
    widths: tuple[int, ...]
    epochs: int
    batch: int
    learning_rate: float
    loss: str = "cross-entropy"


_ALL = (
    Recipe(
        name="digits",
        summary="scikit-learn's 8x8 digits, 4-bit pixels; fits an iCE40 UP5K",
        dataset="digits",
        input=InputRecipe(bits=4),
        widths=(96, 64),
        epochs=200,
        batch=64,
        learning_rate=0.01,
    ),
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; :class:`~bnnhw.errors.RequestError` lists the known ones."""
    try:
        return RECIPES[name]
    except KeyError:
        raise RequestError(f"recipe must be one of {', '.join(sorted(RECIPES))}, not {name!r}") from None
