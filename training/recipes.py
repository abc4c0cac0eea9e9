"""Recipes: everything that decides a training run except its seed. Importing them needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from bnnhw.errors import RequestError

__all__ = ["ORDERS", "RECIPES", "ConvRecipe", "InputRecipe", "Recipe", "find_recipe"]

ORDERS = ("norm-sign-pool", "pool-norm-sign")
"""What follows a convolution: BinaryNet's later users pool bits; BinaryNet and XNOR-Net pool accumulators."""


@dataclass(frozen=True)
class InputRecipe:
    """How raw samples become elements.

    Parameters
    ----------
    bits : int
        Bits of an unsigned element, ``clip(floor(x), 0, 2**bits - 1)``.
    threshold : float, optional
        One bit instead: +1 iff ``x >= threshold``.
    scale : float, optional
        A signed element instead, in steps of this power of two:
        ``scale * clip(floor(x / scale), -2**(bits - 1), 2**(bits - 1) - 1)``.
    """

    bits: int = 1
    threshold: float | None = None
    scale: float | None = None


@dataclass(frozen=True)
class ConvRecipe:
    """A convolution and what follows it up to the next layer.

    Parameters
    ----------
    channels : int
        Of the output.
    kernel, stride, dilation : (int, int)
        Vertical, horizontal.
    padding : (int, int, int, int)
        Top, left, bottom, right.
    padding_value : int
        -1 or +1.
    depthwise : bool
    pool : (int, int), optional
        Window of a max pool, which is its stride too.
    order : str
        One of :data:`ORDERS`; without a pool all are one.
    """

    channels: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    padding_value: int = -1
    depthwise: bool = False
    pool: tuple[int, int] | None = None
    order: str = "norm-sign-pool"

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise RequestError(f"order must be one of {', '.join(ORDERS)}, not {self.order!r}")


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
    shape : (int, int, int), optional
        Channels, height, width of a sample; needed by ``convs``. A signal has height 1.
    convs : tuple of ConvRecipe
        Before the fully connected layers.
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
    shape: tuple[int, int, int] | None = None
    convs: tuple[ConvRecipe, ...] = ()


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
    Recipe(
        name="ecg5000",
        summary="normal or abnormal heartbeats of 140 samples, 4 bits; fits an iCE40 UP5K",
        dataset="ecg5000",
        input=InputRecipe(bits=4, scale=0.5),
        widths=(),
        epochs=60,
        batch=50,
        learning_rate=0.01,
        shape=(1, 1, 140),
        convs=(
            ConvRecipe(8, (1, 9), stride=(1, 2), pool=(1, 2)),
            ConvRecipe(16, (1, 5), pool=(1, 2)),
        ),
    ),
    Recipe(
        name="fsdd-mfcc",
        summary="ten spoken digits, 10 cepstral coefficients x 49 frames, 3 bits; fits an iCE40 UP5K",
        dataset="fsdd",
        input=InputRecipe(bits=3, scale=1.0),
        widths=(),
        epochs=100,
        batch=100,
        learning_rate=0.01,
        shape=(10, 1, 49),
        convs=(
            ConvRecipe(24, (1, 5), pool=(1, 2)),
            ConvRecipe(32, (1, 5), pool=(1, 4)),
        ),
    ),
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; :class:`~bnnhw.errors.RequestError` lists the known ones."""
    try:
        return RECIPES[name]
    except KeyError:
        raise RequestError(f"recipe must be one of {', '.join(sorted(RECIPES))}, not {name!r}") from None
