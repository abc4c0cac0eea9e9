"""What a recipe is: everything that decides a training run except its seed. Importing it needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bnnhw.errors import RequestError

__all__ = ["ACTIVATIONS", "MAX_BITS", "ORDERS", "Components", "ConvRecipe", "InputRecipe", "Recipe", "with_bits"]

ORDERS = ("norm-sign-pool", "pool-norm-sign")
"""What follows a convolution: BinaryNet's later users pool bits; BinaryNet and XNOR-Net pool accumulators."""

ACTIVATIONS = ("sign", "stochastic", "rsign", "rprelu-rsign")

MAX_BITS = 8
"""Widest activation: what a matrix layer takes (:data:`bnnhw.ir.types.MAX_PLANES`)."""


def _one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise RequestError(f"{what} must be one of {', '.join(known)}, not {value!r}")


def _bits(value: int) -> None:
    if not 1 <= value <= MAX_BITS:
        raise RequestError(f"bits of an activation must be in 1..{MAX_BITS}, not {value!r}")


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
        -1 or +1 around bits; 0 too around elements of several bits.
    depthwise : bool
    pool : (int, int), optional
        Window of a max pool, which is its stride too.
    order : str
        One of :data:`ORDERS`; without a pool all are one.
    bits : int
        Of an element of the output: 1 for a sign, 2 to 8 for
        :class:`~bnnhw.training.quantize.QuantActivation`.
    shortcut : bool
        Bi-Real Net's (:mod:`bnnhw.training.shortcut`): what the activation before this convolution is taken of is added
        behind its norm. Needs a block before it that ends in its activation, and as many channels as come in.
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
    bits: int = 1
    shortcut: bool = False

    def __post_init__(self) -> None:
        _one_of("order", self.order, ORDERS)
        _bits(self.bits)
        if self.shortcut and self.pool is not None and self.order != "norm-sign-pool":
            raise RequestError("a convolution with a shortcut must pool behind its sign, if at all")


@dataclass(frozen=True)
class Components:
    """What the blocks of a network are made of.

    Parameters
    ----------
    estimator : str
        A name of :data:`bnnhw.training.estimators.ESTIMATORS`, for weights and activations.
    activation : str
        One of :data:`ACTIVATIONS`.
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
        _one_of("activation", self.activation, ACTIVATIONS)
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
        ``"cross-entropy"`` or ``"squared-hinge"``, of the batch-normalized scores, or ``"distributional"``: towards a
        teacher's (:mod:`bnnhw.training.teacher`).
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
    mirror : bool
        Half of the samples are turned left to right, at random, in every epoch.
    validation : float
        Share of the training split that is held out, 0 to less than 1.
    patience : int, optional
        Training stops after so many epochs without a better accuracy on what is held out, and the best model counts;
        without it, the model of the last epoch does.
    width_bits : tuple of int
        Of the elements that each hidden fully connected layer gives, as ``bits`` of a convolution; empty for 1 each.
    first_stage : float
        Share of the epochs trained with real-valued weights and binary activations, 0 to less than 1; the others start
        from those weights (:class:`~bnnhw.training.optimize.Trainer`).
    weight_decay : (float, float)
        L2 penalty on the weights, in the first stage and afterwards.
    teacher_epochs : int
        How long the teacher of the distributional loss is trained before.
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
    mirror: bool = False
    validation: float = 0.0
    patience: int | None = None
    width_bits: tuple[int, ...] = ()
    first_stage: float = 0.0
    weight_decay: tuple[float, float] = (0.0, 0.0)
    teacher_epochs: int = 0

    def __post_init__(self) -> None:
        _one_of("loss", self.loss, ("cross-entropy", "squared-hinge", "distributional"))
        _one_of("optimizer", self.optimizer, ("adam", "shift-adamax", "bop"))
        _one_of("schedule", self.schedule, ("cosine", "step"))
        if not 0 <= self.validation < 1:
            raise RequestError(f"validation must be in 0..1, 1 excluded, not {self.validation!r}")
        if self.patience is not None and (self.patience < 1 or not self.validation):
            raise RequestError("patience must be at least 1, and needs a validation share")
        if self.shape is None and (self.convs or any(self.shift) or self.mirror or self.components.thermometer):
            raise RequestError("convs, shift, mirror and a thermometer need a shape")
        if self.width_bits and len(self.width_bits) != len(self.widths):
            raise RequestError(f"width_bits must be one for each of {len(self.widths)} widths, not {self.width_bits}")
        for bits in self.width_bits:
            _bits(bits)
        if max(self.bits, default=1) > 1 and self.components.activation != "sign":
            raise RequestError(f"activations of several bits must be 'sign', not {self.components.activation!r}")
        if not 0 <= self.first_stage < 1:
            raise RequestError(f"first_stage must be in 0..1, 1 excluded, not {self.first_stage!r}")
        if min(self.weight_decay) < 0:
            raise RequestError(f"weight_decay must not be negative, not {self.weight_decay!r}")
        if self.optimizer == "bop" and (self.first_stage or any(self.weight_decay)):
            raise RequestError("bop has no latent weights to train in a first stage, or to decay")
        if self.optimizer == "shift-adamax" and any(self.weight_decay):
            raise RequestError("weight_decay must be (0, 0) with shift-adamax")
        if self.teacher_epochs < 0 or (self.loss == "distributional") != (self.teacher_epochs > 0):
            raise RequestError("the distributional loss needs teacher_epochs of at least 1, and no other loss has them")

    @property
    def bits(self) -> tuple[int, ...]:
        """Bits of the elements that each layer but the last gives, convolutions first."""
        return (*(conv.bits for conv in self.convs), *(self.width_bits or (1,) * len(self.widths)))


def with_bits(recipe: Recipe, bits: Sequence[int]) -> Recipe:
    """A recipe with other widths of its activations, in the order of :attr:`Recipe.bits`.

    Raises
    ------
    RequestError
        There is not one for each layer, or one is out of range.
    """
    if len(bits) != len(recipe.bits):
        raise RequestError(f"bits must be one for each of {len(recipe.bits)} layers, not {tuple(bits)}")
    number = len(recipe.convs)
    convs = tuple(replace(conv, bits=b) for conv, b in zip(recipe.convs, bits, strict=False))
    return replace(recipe, convs=convs, width_bits=tuple(bits[number:]))
