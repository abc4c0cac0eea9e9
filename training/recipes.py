"""Recipes: everything that decides a training run except its seed. Importing them needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bnnhw.errors import RequestError

__all__ = ["ORDERS", "RECIPES", "Components", "ConvRecipe", "InputRecipe", "Recipe", "find_recipe"]

ORDERS = ("norm-sign-pool", "pool-norm-sign")
"""What follows a convolution: BinaryNet's later users pool bits; BinaryNet and XNOR-Net pool accumulators."""


def _one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise RequestError(f"{what} must be one of {', '.join(known)}, not {value!r}")


@dataclass(frozen=True)
class InputRecipe:
    """How raw samples become elements.

    Parameters
    ----------
    bits : int
        Of an element, ``scale * clip(floor(x / scale), 0, 2**bits - 1)``.
    threshold : float, optional
        One bit instead: +1 iff ``x >= threshold``.
    scale : float
        Step of an element, a power of two.
    signed : bool
        Elements from ``-2**(bits - 1)`` to ``2**(bits - 1) - 1`` steps instead.
    """

    bits: int = 1
    threshold: float | None = None
    scale: float = 1.0
    signed: bool = False


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
        _one_of("order", self.order, ORDERS)


@dataclass(frozen=True)
class Components:
    """What the blocks of a network are made of.

    Parameters
    ----------
    estimator : str
        A name of :data:`bnnhw.training.estimators.ESTIMATORS`, for weights and activations.
    activation : str
        ``"sign"``, ``"stochastic"``, ``"rsign"`` or ``"rprelu-rsign"``.
    norm : str
        ``"batch"`` or ``"shift"``.
    scaled : bool
        Weights times XNOR-Net's alpha.
    fan_in : int, optional
        Limit for the neurons of the hidden fully connected layers.
    thermometer : int, optional
        Bits for each element of the input, each with a learned threshold.
    """

    estimator: str = "clipped"
    activation: str = "sign"
    norm: str = "batch"
    scaled: bool = False
    fan_in: int | None = None
    thermometer: int | None = None

    def __post_init__(self) -> None:
        _one_of("activation", self.activation, ("sign", "stochastic", "rsign", "rprelu-rsign"))
        _one_of("norm", self.norm, ("batch", "shift"))


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
        At the start.
    loss : str
        ``"cross-entropy"`` or ``"squared-hinge"``, of the batch-normalized scores.
    shape : (int, int, int), optional
        Channels, height, width of a sample; needed by ``convs``. A signal has height 1.
    convs : tuple of ConvRecipe
        Before the fully connected layers.
    components : Components
    optimizer : str
        ``"adam"`` (Kingma and Ba, 2015), ``"shift-adamax"`` or ``"bop"`` (with Adam for everything but the weights).
    schedule : str
        ``"cosine"``: the learning rate falls to 0 along half a cosine (Loshchilov and Hutter, 2017, eq. 5).
        ``"step"``: it is divided by 10 at one half and at three quarters of the epochs.
    shift : (int, int)
        Samples are moved by up to so many elements up or down, left or right, at random, in every epoch.
    validation : float
        Share of the training split that is held out, 0 to less than 1.
    patience : int, optional
        Training stops after so many epochs without a better accuracy on what is held out, and the best model counts;
        without it, the model of the last epoch does.
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
    components: Components = Components()
    optimizer: str = "adam"
    schedule: str = "cosine"
    shift: tuple[int, int] = (0, 0)
    validation: float = 0.0
    patience: int | None = None

    def __post_init__(self) -> None:
        _one_of("optimizer", self.optimizer, ("adam", "shift-adamax", "bop"))
        _one_of("schedule", self.schedule, ("cosine", "step"))
        if not 0 <= self.validation < 1:
            raise RequestError(f"validation must be in 0..1, 1 excluded, not {self.validation!r}")
        if self.patience is not None and (self.patience < 1 or not self.validation):
            raise RequestError("patience must be at least 1, and needs a validation share")
        if self.shape is None and (self.convs or any(self.shift) or self.components.thermometer):
            raise RequestError("convs, shift and a thermometer need a shape")


def _fully_connected(name: str, summary: str, dataset: str, width: int, **options: Any) -> Recipe:
    """FINN's networks for 28 x 28 images: three hidden layers of one width (Umuroglu et al., 2017, section 5)."""
    recipe = Recipe(
        name=name,
        summary=summary,
        dataset=dataset,
        input=InputRecipe(threshold=127.5),
        widths=(width,) * 3,
        epochs=120,
        batch=100,
        learning_rate=0.01,
        shape=(1, 28, 28),
        shift=(1, 1),
    )
    return replace(recipe, **options)


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
        input=InputRecipe(bits=4, scale=0.5, signed=True),
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
        input=InputRecipe(bits=3, signed=True),
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
    _fully_connected("mnist-tfc", "MNIST, 3 x 64 neurons, black and white; fits an iCE40 UP5K", "mnist", 64),
    _fully_connected("mnist-sfc", "MNIST, 3 x 256 neurons, black and white", "mnist", 256),
    _fully_connected("mnist-lfc", "MNIST, 3 x 1024 neurons, black and white", "mnist", 1024, learning_rate=0.005),
    _fully_connected(
        "fashion-sfc",
        "Fashion-MNIST, 3 x 256 neurons, 3-bit pixels",
        "fashion-mnist",
        256,
        input=InputRecipe(bits=3, scale=32.0),
    ),
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; :class:`~bnnhw.errors.RequestError` lists the known ones."""
    try:
        return RECIPES[name]
    except KeyError:
        raise RequestError(f"recipe must be one of {', '.join(sorted(RECIPES))}, not {name!r}") from None
