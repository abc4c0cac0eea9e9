"""What a recipe is: everything that decides a training run except its seed. Importing it needs no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, TypeAlias, get_args

from bnnhw.datasets.reading import PLAIN, Reading
from bnnhw.errors import RequestError
from bnnhw.training.settings import Loss, Optimizer, Schedule, Settings, one_of

__all__ = [
    "ACTIVATIONS",
    "MAX_BITS",
    "ORDERS",
    "Components",
    "ConvRecipe",
    "InputRecipe",
    "LookupRecipe",
    "Recipe",
    "with_bits",
]

Order: TypeAlias = Literal["norm-sign-pool", "pool-norm-sign"]
ORDERS: tuple[Order, ...] = get_args(Order)
"""What follows a convolution: BinaryNet's later users pool bits; BinaryNet and XNOR-Net pool accumulators."""

ActivationName: TypeAlias = Literal["sign", "stochastic", "rsign", "rprelu-rsign"]
ACTIVATIONS: tuple[ActivationName, ...] = get_args(ActivationName)

Learned: TypeAlias = Literal["tables", "gates"]

Levels: TypeAlias = Literal["steps", "even", "ranked"]
Per: TypeAlias = Literal["input", "channel"]

Norm: TypeAlias = Literal["batch", "shift"]

MOST = 1 << 20
"""Largest size of anything: beyond what any board or memory holds."""

MAX_BITS = 8
"""Widest activation: what a matrix layer takes (:data:`bnnhw.ir.types.MAX_PLANES`)."""


def _bits(value: int) -> None:
    if not 1 <= value <= MAX_BITS:
        raise RequestError(f"bits of an activation must be in 1..{MAX_BITS}, not {value!r}")


def _least(name: str, *sizes: int, least: int = 1) -> None:
    if any(not least <= size <= MOST for size in sizes):
        raise RequestError(f"{name} must be from {least} to {MOST}, not {', '.join(map(str, sizes))}")


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 0.5:
        raise RequestError(f"{name} must be in 0..0.5, not {value!r}")


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
    levels : str
        ``"steps"``: as above. Else thresholds are taken from the samples to train with
        (:mod:`bnnhw.training.fitted`): ``"even"``, of equal steps over their range, or ``"ranked"``, so that each
        level has as many samples.
    per : str
        ``"input"``: those thresholds are the same for all elements. ``"channel"``: a row of them for each channel, or
        for each feature of a list.
    """

    bits: int = 1
    threshold: float | None = None
    scale: float = 1.0
    signed: bool = False
    levels: Levels = "steps"
    per: Per = "input"

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= MAX_BITS:
            raise RequestError(f"bits of the input must be in 1..{MAX_BITS}, not {self.bits!r}")
        if not 0 < self.scale < math.inf or math.frexp(self.scale)[0] != 0.5:
            raise RequestError(f"scale of the input must be a power of two, not {self.scale!r}")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise RequestError(f"threshold of the input must be a finite number, not {self.threshold!r}")
        one_of("levels of the input", self.levels, get_args(Levels))
        one_of("per of the input", self.per, get_args(Per))
        if self.levels != "steps" and (self.threshold is not None or self.scale != 1 or self.signed):
            raise RequestError("levels that are fitted have no threshold, scale or sign of their own")
        if self.levels != "steps" and self.bits < 2:
            raise RequestError(f"bits of an input with fitted levels must be in 2..{MAX_BITS}, not {self.bits!r}")


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
    order: Order = "norm-sign-pool"
    bits: int = 1
    shortcut: bool = False

    def __post_init__(self) -> None:
        one_of("order", self.order, ORDERS)
        _bits(self.bits)
        _least("channels", self.channels)
        for name in ("kernel", "stride", "dilation", "pool"):
            _least(name, *(getattr(self, name) or ()))
        _least("padding", *self.padding, least=0)
        if self.padding_value not in (-1, 0, 1):
            raise RequestError(f"padding_value must be -1, 0 or 1, not {self.padding_value!r}")
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
        Limit for the neurons of the hidden fully connected layers (:mod:`bnnhw.training.fan_in`).
    fan_ins : tuple of int
        Instead, one for each fully connected layer, the classes' last; as many as there are inputs limit nothing.
    rarest : float
        Inputs at their least value, or above it, in less than this share of the samples are not kept by the first
        layer, where it is limited.
    narrowing : float
        Share of the epochs, less than 1, in which the limits fall from all inputs to what they are.
    thermometer : int, optional
        Bits for each element of the input, each with a learned threshold.
    """

    estimator: str = "clipped"
    activation: ActivationName = "sign"
    norm: Norm = "batch"
    scaled: bool = False
    fan_in: int | None = None
    fan_ins: tuple[int, ...] = ()
    rarest: float = 0.0
    narrowing: float = 0.0
    thermometer: int | None = None

    def __post_init__(self) -> None:
        one_of("activation", self.activation, ACTIVATIONS)
        one_of("norm", self.norm, get_args(Norm))
        _least("fan_in", *(() if self.fan_in is None else (self.fan_in,)))
        _least("fan_ins", *self.fan_ins)
        if self.fan_ins and self.fan_in is not None:
            raise RequestError("fan_ins must be left out where fan_in is given")
        _share("rarest", self.rarest)
        if not 0 <= self.narrowing < 1:
            raise RequestError(f"narrowing must be in 0..1, 1 excluded, not {self.narrowing!r}")
        _least("thermometer", *(() if self.thermometer is None else (self.thermometer,)))


@dataclass(frozen=True)
class LookupRecipe:
    """Layers of learned truth tables (:mod:`bnnhw.training.lookup`), in place of all that has weights.

    Elements of several bits come in as a unary code, a bit per threshold of the input.

    Parameters
    ----------
    neurons : tuple of int
        Of each layer; those of the last are summed up by class, so they are a multiple of the classes.
    fan_in : int
        Inputs of a neuron; 4 fill a LUT4.
    learned : str
        ``"tables"``, or ``"gates"`` of two inputs (:mod:`bnnhw.training.gates`), where ``fan_in`` is 2.
    choices : int
        Of gates: candidates for each input.
    temperature : float
        What the class sums are divided by for the loss. It decides much: too low a one fits few samples, and from too
        high a one little is learned.
    rarest : float
        Inputs of which one value is rarer than this share of the samples are not read: training is quicker by as much.
    """

    neurons: tuple[int, ...]
    fan_in: int = 4
    temperature: float = 8.0
    rarest: float = 0.0
    learned: Learned = "tables"
    choices: int = 8

    def __post_init__(self) -> None:
        if not self.neurons:
            raise RequestError("neurons of lookup layers must be at least one number")
        _least("neurons", *self.neurons)
        if not 1 <= self.fan_in <= MAX_BITS:
            raise RequestError(f"fan_in of a lookup layer must be in 1..{MAX_BITS}, not {self.fan_in!r}")
        one_of("learned of lookup layers", self.learned, get_args(Learned))
        if self.learned == "gates" and self.fan_in != 2:
            raise RequestError(f"fan_in of a layer of gates must be 2, not {self.fan_in!r}")
        _least("choices", self.choices)
        if not 0 < self.temperature < math.inf:
            raise RequestError(f"temperature must be a number above 0, not {self.temperature!r}")
        _share("rarest", self.rarest)


@dataclass(frozen=True)
class Recipe:
    """A training run.

    Parameters
    ----------
    name : str
    summary : str
        One line for a listing.
    dataset : str
        Name or path for :func:`bnnhw.datasets.load`.
    input : InputRecipe
    widths : tuple of int
        Neurons of each hidden layer.
    epochs, batch, learning_rate, loss, optimizer, schedule, shift, mirror, validation, patience, first_stage
        As in :class:`~bnnhw.training.settings.Settings`, ``weight_decay`` too.
    shape : (int, int, int), optional
        Channels, height, width of a sample; needed by ``convs``. A signal has height 1.
    convs : tuple of ConvRecipe
        Before the fully connected layers.
    components : Components
    width_bits : tuple of int
        Of the elements that each hidden fully connected layer gives, as ``bits`` of a convolution; empty for 1 each.
    teacher_epochs : int
        How long the teacher of the distributional loss is trained before.
    reading : Reading
        How a path is read, and split.
    lookup : LookupRecipe, optional
        Layers of truth tables; then there are no ``widths``, ``convs`` or other components.
    """

    name: str
    summary: str
    dataset: str
    input: InputRecipe
    widths: tuple[int, ...]
    epochs: int
    batch: int
    learning_rate: float
    loss: Loss = "cross-entropy"
    shape: tuple[int, int, int] | None = None
    convs: tuple[ConvRecipe, ...] = ()
    components: Components = Components()
    optimizer: Optimizer = "adam"
    schedule: Schedule = "cosine"
    shift: tuple[int, int] = (0, 0)
    mirror: bool = False
    validation: float = 0.0
    patience: int | None = None
    width_bits: tuple[int, ...] = ()
    first_stage: float = 0.0
    weight_decay: tuple[float, float] = (0.0, 0.0)
    teacher_epochs: int = 0
    reading: Reading = PLAIN
    lookup: LookupRecipe | None = None

    def __post_init__(self) -> None:
        # A value of its own, checked there.
        _ = self.settings
        _least("widths", *self.widths)
        _least("shape", *(self.shape or ()))
        if self.shape is None and (self.convs or any(self.shift) or self.mirror or self.components.thermometer):
            raise RequestError("convs, shift, mirror and a thermometer need a shape")
        if self.lookup and (self.convs or self.widths or self.components != Components()):
            raise RequestError("a recipe with lookup layers must have no convs, no widths and no components")
        layers, limits = len(self.widths) + 1, self.components.fan_ins
        if limits and len(limits) != layers:
            raise RequestError(f"fan_ins must be one for each of {layers} fully connected layers, not {limits}")
        if self.components.rarest and (self.convs or self.components.thermometer):
            raise RequestError("rarest must be 0 with convs or a thermometer: it is said of inputs that neurons read")
        if self.width_bits and len(self.width_bits) != len(self.widths):
            raise RequestError(f"width_bits must be one for each of {len(self.widths)} widths, not {self.width_bits}")
        for bits in self.width_bits:
            _bits(bits)
        if max(self.bits, default=1) > 1 and self.components.activation != "sign":
            raise RequestError(f"activations of several bits must be 'sign', not {self.components.activation!r}")
        if self.teacher_epochs < 0 or (self.loss == "distributional") != (self.teacher_epochs > 0):
            raise RequestError("the distributional loss needs teacher_epochs of at least 1, and no other loss has them")

    @property
    def settings(self) -> Settings:
        """How the network is trained."""
        return Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})

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
